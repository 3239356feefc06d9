"""What a user can put right; the command line shows the message as one line and exits with 2."""


class Problem(ValueError):
    """A file, folder, text or setting that can't be used; the message says what is wrong and what to do."""
