"""The circle closed: documents, a model, a server, and three tracks that run on it. `make universe` runs it all.

Nothing of the lessons is here: every step is a command of a track, as a reader would type it.
"""
