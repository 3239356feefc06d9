"""Property tests are seeded, and not timed: a busy machine is no failure. One thread: the same numbers every time."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"  # before transformers is imported: it must not look for anything

import torch
import transformers
from hypothesis import settings

settings.load_profile("ci")
torch.set_num_threads(1)
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
