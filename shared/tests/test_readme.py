"""The examples of the README run."""

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def test_the_examples_run(tmp_path):
    examples = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    outputs = []
    for example in examples:
        (tmp_path / "main.py").write_text(example, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "main.py", "Ada"], cwd=tmp_path, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        outputs.append(done.stdout)
    assert outputs == ["Hello, Ada\n", ""]
