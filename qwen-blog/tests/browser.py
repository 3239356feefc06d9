"""Open a page in headless Chromium and read what it has become."""

import re
import shutil
import subprocess
import sys

import pytest

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
needs_browser = pytest.mark.skipif(
    BROWSER is None, reason="no Chromium on PATH: apt-get install chromium fonts-noto-cjk"
)
# written into the page's title: what the page's own script can't say about itself
WATCH = """<script>window.problems = [];
addEventListener("error", event => problems.push(event.message));
addEventListener("securitypolicyviolation", event => problems.push(event.blockedURI));</script>"""


def opened(tmp_path, text, address="", script=""):
    """The document after its script, and then ours, ran; and what the console said."""
    file = tmp_path / "page.html"
    page = text.replace("<style>", WATCH + "<style>", 1).replace("</body>", f"<script>{script}</script></body>")
    file.write_bytes(page.encode("utf-8", "replace"))
    options = ["--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--dump-dom",
               f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=3000",
               "--enable-logging=stderr"]  # fmt: skip
    if sys.platform == "linux":
        options.append("--no-sandbox")  # containers run as root, where the sandbox refuses to start
    done = subprocess.run(
        [str(BROWSER), *options, file.as_uri() + address], check=True, capture_output=True, timeout=300
    )
    console = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if "CONSOLE" in line]
    return done.stdout.decode("utf-8"), console


def attribute(document, name):
    """Of the <html> element."""
    match = re.search(rf'<html[^>]*\b{name}="([^"]*)"', document)
    return match[1] if match else None
