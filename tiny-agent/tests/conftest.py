"""Property tests are seeded, and not timed: a busy machine is no failure."""

from hypothesis import settings

settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci")
