"""`import tiny_shared` and its light modules cost nothing: no heavy package comes along."""

import subprocess
import sys

MODULES = "benchmarks, chat, cli, download, files, network, pictures, reading_path"


def test_nothing_heavy_is_imported():
    code = (
        f"import sys; from tiny_shared import {MODULES}; "
        "print(*sorted({'requests', 'tqdm', 'openai', 'httpx', 'numpy', 'torch', 'urllib3'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout.strip(), done.stderr) == ("", "")
