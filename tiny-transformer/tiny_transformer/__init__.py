"""The Transformer of 2017, every part by hand, trained to a measured score; `python main.py read` lists the files."""
