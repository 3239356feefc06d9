"""A glass-box agent: a loop on one screen, three engines, typed tools, a real sandbox, a trace of every byte."""
