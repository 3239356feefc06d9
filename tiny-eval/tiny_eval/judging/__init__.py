"""A model as the judge, and the card that says how far to trust it."""
