"""The READMEs' picture of a trace as a page: the demonstration's last question, in headless Chromium.

Run from anywhere, after `python main.py`: python docs/make_screenshot.py
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

TRACK = Path(__file__).resolve().parents[1]


def main() -> None:
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    page = TRACK / "runs" / "demo" / "4.html"
    if browser is None or not page.is_file():
        sys.exit("error: it takes Chromium, and the demonstration: python main.py")
    with tempfile.TemporaryDirectory() as profile:
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}",
                   "--window-size=1000,900", "--virtual-time-budget=3000",
                   f"--screenshot={TRACK / 'docs' / 'trace.png'}", page.as_uri()]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True)


if __name__ == "__main__":
    main()
