"""A small model of our own: 1 million parameters that emit ReAct steps for the shipped tools, in NumPy on one page."""
