"""The README's pictures: the top of universe.html in Chromium, in both languages.

Run from the repository's root, after `make universe`: python -m universe.make_pictures
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from universe.page import NAME
from universe.tracks import ROOT

PICTURES = {"universe.png": "en-US", "universe.zh-CN.png": "zh-CN"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "universe", help="the loop's folder")
    page = parser.parse_args().out.resolve() / NAME
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None or not page.is_file():
        sys.exit("error: it takes Chromium, and a finished loop: make universe")
    folder = Path(__file__).with_name("docs")
    folder.mkdir(exist_ok=True)
    for name, language in PICTURES.items():
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
            command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}",
                       "--window-size=1120,560", "--hide-scrollbars", "--virtual-time-budget=2000",
                       f"--screenshot={folder / name}", f"{page.as_uri()}#lang={language}"]  # fmt: skip
            subprocess.run(command, check=True, capture_output=True)


if __name__ == "__main__":
    main()
