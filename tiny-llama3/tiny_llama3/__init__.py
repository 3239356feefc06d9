"""Llama 3 by hand, from raw text to a model that other software loads; `python main.py read` lists the files."""
