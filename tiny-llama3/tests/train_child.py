"""The process that test_resume.py kills: `python main.py ARGUMENTS`, with frequent saves."""

import sys
from pathlib import Path

from tiny_shared import cli

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import main
from tiny_llama3 import plan, run

if __name__ == "__main__":
    run.SAVE_EVERY_S = 0.02
    run.SAMPLE_TOKENS = 3
    plan.ENOUGH_S = 0.0
    main.draw_loss = lambda running: None  # the plot takes longer than all the rest
    main.tensorboard = lambda folder: None
    sys.exit(cli.run(main.parser(), user_errors=main.user_errors()))
