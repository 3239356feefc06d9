"""A folder of runs as something to read: a table, Markdown, JSON, plots, and a page that opens from the disk."""
