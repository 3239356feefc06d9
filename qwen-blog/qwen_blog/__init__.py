"""Qwen2, Qwen2.5 and Qwen3 from the inside: dense and with experts, with the official weights."""
