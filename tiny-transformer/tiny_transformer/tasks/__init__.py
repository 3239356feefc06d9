"""What a model can be trained on here: `dates`, the toys `copy`, `reverse` and `sort`, and any `parallel` texts."""
