"""The README's picture of the chat page: a real server, a real question, the answer as it came, in Chromium.

Run from anywhere: python docs/make_chat_picture.py --model DIR --message TEXT
"""

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import uvicorn
from fastapi import Response
from fastapi.responses import HTMLResponse

TRACK = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TRACK))
# sends the message greedily, waits for the end of the answer, and points at a token near its end
SCRIPT = """
(async () => {
  const wait = test => new Promise(done => { const look = () => test() ? done() : setTimeout(look, 10); look(); });
  await wait(() => document.documentElement.dataset.ready);
  at("temperature").value = 0; at("message").value = MESSAGE; at("send").click();
  await wait(() => document.documentElement.dataset.said !== undefined);
  const token = [...document.querySelectorAll(".token")].at(-4), place = token.getBoundingClientRect();
  token.dispatchEvent(new MouseEvent("mouseenter", { clientX: place.x, clientY: place.y }));
})();
"""


async def hold() -> Response:
    """A script that is slow to come: the page isn't loaded, and its picture isn't taken, before the answer is there."""
    await asyncio.sleep(8)
    return Response("", media_type="text/javascript")


def main() -> None:
    from tiny_llama3 import hub
    from tiny_llama3.serve import app
    from tiny_llama3.serve.engine import Engine

    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--message", required=True)
    args = parser.parse_args()
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        sys.exit("error: it takes Chromium")
    model, tokenizer = hub.load(args.model)
    assert tokenizer
    engine = Engine(model, 4, 4)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        page = app.PAGE.read_text(encoding="utf-8")
        script = SCRIPT.replace("MESSAGE", json.dumps(args.message).replace("<", "\\u003c"))
        held = page.replace("</body>", f'<script>{script}</script><script src="/hold.js"></script></body>')
        made = app.create_app(engine, tokenizer, args.model.resolve().name, None)
        made.get("/hold.js")(hold)
        made.get("/picture")(lambda: HTMLResponse(held))  # without the policy that forbids scripts from outside
        config = uvicorn.Config(made, port=0, log_level="error")
        server, socket = uvicorn.Server(config), config.bind_socket()
        thread = threading.Thread(target=server.run, args=([socket],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile",
                   "--window-size=1000,640", "--hide-scrollbars",
                   f"--screenshot={TRACK / 'docs' / 'chat.png'}",
                   f"http://127.0.0.1:{socket.getsockname()[1]}/picture"]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True)
        server.should_exit = True
        thread.join()
    engine.close()


if __name__ == "__main__":
    main()
