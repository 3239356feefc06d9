"""Property tests are seeded, and not timed: a busy machine is no failure."""

from hypothesis import settings

settings.load_profile("ci")
