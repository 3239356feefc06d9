"""The READMEs' picture of the report: three baselines on two tasks, one item opened, in headless Chromium.

Run from anywhere: python docs/make_screenshot.py
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

TRACK = Path(__file__).resolve().parents[1]
RUN = ["run", "--task", "qa-en", "classify-zh", "--model", "baseline:overlap", "baseline:majority", "baseline:lead"]
ITEM = "qa-en/qa-1"


def main() -> None:
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        sys.exit("error: it takes Chromium; install it")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "sample")
        for words in ([*RUN, "--out", str(folder)], ["report", str(folder), "--no-plots", "--no-table"]):
            subprocess.run([sys.executable, "main.py", *words], cwd=TRACK, check=True, capture_output=True)
        page = folder / "report" / "report.html"
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={temporary}/profile",
                   "--window-size=1180,1200", "--lang=en", "--virtual-time-budget=3000",
                   f"--screenshot={TRACK / 'docs' / 'report.png'}", f"{page.as_uri()}#{ITEM}"]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True)


if __name__ == "__main__":
    main()
