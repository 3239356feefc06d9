"""The READMEs' pictures of the journey as a page: the demonstration's, on a desktop and on a phone, in Chromium.

Run from anywhere, after `python main.py`: python docs/make_screenshot.py
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

TRACK = Path(__file__).resolve().parents[1]
# file, address within the page, window
PICTURES = [
    ("journey.png", "#step=L1.weights&token=18&head=3", "1320,1000"),
    ("journey-phone.png", "#step=lens&token=18&lang=zh", "500,960"),  # Chromium's windows are 500 wide at least
]


def main() -> None:
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    page = TRACK / "runs" / "demo" / "journey.html"
    if browser is None or not page.is_file():
        sys.exit("error: it takes Chromium, and the demonstration: python main.py")
    for name, address, window in PICTURES:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
            command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}",
                       f"--window-size={window}", "--hide-scrollbars", "--virtual-time-budget=4000",
                       f"--screenshot={TRACK / 'docs' / name}", page.as_uri() + address]  # fmt: skip
            subprocess.run(command, check=True, capture_output=True)


if __name__ == "__main__":
    main()
