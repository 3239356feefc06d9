"""The chat page in a real browser against the real server: it sends, streams, stops, shows a token's alternatives."""

import json
import shutil
import subprocess
import sys
import threading

import pytest
from fastapi import Request as Http

from test_serve import Running, model, tokenizer

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
needs_browser = pytest.mark.skipif(
    BROWSER is None, reason="no Chromium on PATH: apt-get install chromium fonts-noto-cjk"
)
__all__ = ["model", "tokenizer"]  # fixtures
WATCH = """<script>window.problems = [];
addEventListener("error", event => problems.push(event.message));
addEventListener("securitypolicyviolation", event => problems.push(event.blockedURI));</script>"""


@pytest.fixture(scope="module")
def running(model, tokenizer):
    made = Running(model, tokenizer)
    yield made
    made.close()


def opened(tmp_path, monkeypatch, running, script, address="/"):
    """What the page has become after our script ran; the page is the server's own, with the script at its end."""
    from tiny_llama3.serve import app

    page = app.PAGE.read_text(encoding="utf-8").replace("<style>", WATCH + "<style>", 1)
    file = tmp_path / "chat.html"
    file.write_text(page.replace("</body>", f"<script>{script}</script></body>"), encoding="utf-8")
    monkeypatch.setattr(app, "PAGE", file)
    told: list[str] = []
    came = threading.Event()

    async def tell(http: Http) -> dict:
        told.append((await http.body()).decode("utf-8"))
        came.set()
        return {}

    running.server.config.app.post("/told", response_model=None)(tell)
    options = ["--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking",
               f"--user-data-dir={tmp_path / 'profile'}", "--remote-debugging-port=0",
               "--enable-logging=stderr"]  # fmt: skip
    if sys.platform == "linux":
        options.append("--no-sandbox")  # containers run as root, where the sandbox refuses to start
    command = [str(BROWSER), *options, running.url + address]
    with open(tmp_path / "log", "wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as browser:
        assert came.wait(60), "the page told nothing"
        browser.kill()
    running.server.config.app.router.routes.pop()
    lines = (tmp_path / "log").read_text("utf-8", "replace").splitlines()
    return told[-1], [line for line in lines if "CONSOLE" in line]


WAIT = """
const wait = test => new Promise(done => { const look = () => test() ? done() : setTimeout(look, 10); look(); });
const ready = () => wait(() => document.documentElement.dataset.ready);
const report = text => fetch("/told", { method: "POST", body: text });
const told = () => wait(() => document.documentElement.dataset.said !== undefined);
"""
SEND = (
    WAIT
    + """
(async () => {
  await ready();
  TOKEN
  at("temperature").value = 0; at("most").value = 12; at("message").value = "the cat";
  at("message").dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" }));
  await told();
  const tokens = [...document.querySelectorAll(".token")], loaded = performance.getEntriesByType("resource");
  tokens[0]?.dispatchEvent(new MouseEvent("mouseenter"));
  report(JSON.stringify({
    served, tokens: tokens.length, counted: Number(document.documentElement.dataset.tokens), problems,
    tip: at("tip").textContent.includes("%"), turns: document.querySelectorAll(".turn").length,
    own: loaded.every(each => each.name.startsWith(location.origin)),
    wrong: document.querySelector(".problem")?.textContent,
  }));
})();
"""
)
STOP = (
    WAIT
    + """
(async () => {
  await ready();
  at("temperature").value = 2; at("most").value = 220; at("message").value = "the"; at("form").requestSubmit();
  await wait(() => document.querySelectorAll(".token").length > 2);
  at("stop").click();
  await told();
  at("language").click();
  const few = document.querySelectorAll(".token").length < 220;
  report(JSON.stringify([few, at("send").disabled, at("send").textContent, problems]));
})();
"""
)


@needs_browser
def test_it_sends_streams_and_tells_what_else_could_have_been(tmp_path, monkeypatch, running):
    document, console = opened(tmp_path, monkeypatch, running, SEND.replace("TOKEN", ""))
    assert not console
    found = json.loads(document)
    assert found["served"] == "tiny" and found["tip"] and found["turns"] == 2 and found["own"] and not found["problems"]
    assert 0 < found["tokens"] <= found["counted"] <= 12


@needs_browser
def test_it_stops_and_speaks_chinese(tmp_path, monkeypatch, running):
    document, console = opened(tmp_path, monkeypatch, running, STOP)
    assert document == '[true,false,"发送",[]]' and not console


@needs_browser
@pytest.mark.parametrize(("given", "served"), [("wrong", ""), ("s3cret", "tiny")])
def test_a_server_that_asks_for_a_token(tmp_path, monkeypatch, model, tokenizer, given, served):
    made = Running(model, tokenizer, token="s3cret")
    try:
        script = SEND.replace("TOKEN", f"at('token').value = '{given}'; await start();")
        found = json.loads(opened(tmp_path, monkeypatch, made, script)[0])
        assert found["served"] == served
        assert ("bearer token is missing or wrong" in (found.get("wrong") or "")) == (served == "")
    finally:
        made.close()
