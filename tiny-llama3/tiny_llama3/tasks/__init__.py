"""Tasks whose answers a program can check, so that methods can be compared by what they achieve."""
