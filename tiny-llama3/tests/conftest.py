"""Property tests are seeded, and not timed: a busy machine is no failure. One thread: the same numbers every time."""

import torch
from hypothesis import settings

settings.load_profile("ci")
torch.set_num_threads(1)
