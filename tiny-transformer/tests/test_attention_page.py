"""The attention page: opened in a real browser, which hovers, presses keys and reads the numbers."""

import html
import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

from tiny_transformer.attention_page import attention_page
from tiny_transformer.pictures import visible

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
needs_browser = pytest.mark.skipif(
    BROWSER is None, reason="no Chromium on PATH: apt-get install chromium fonts-noto-cjk"
)
SOURCE, READ, WRITTEN = ["3", "月", " ", "<eos>"], ["<bos>", "0", "3"], ["0", "3", "<eos>"]


def weights(layers, heads, rows, columns, seed):
    scores = np.random.default_rng(seed).normal(size=(layers, heads, rows, columns)) * 2
    return np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)


ENCODER, DECODER, CROSS = weights(2, 3, 4, 4, 1), weights(2, 3, 3, 3, 2), weights(2, 3, 3, 4, 3)


def page(source=SOURCE, target=READ, title="3月 → 03", predicted=WRITTEN):
    return attention_page(source, target, ENCODER, DECODER, CROSS, title, predicted)


def dom(tmp_path, text, address="", script="", *flags):
    """What the page has become: the document after its script, and then ours, ran."""
    file = tmp_path / "page.html"
    file.write_text(text.replace("</body>", f"<script>{script}</script></body>"), encoding="utf-8")
    options = ["--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--dump-dom",
               f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=3000", *flags]  # fmt: skip
    if sys.platform == "linux":
        options.append("--no-sandbox")  # containers run as root, where the sandbox refuses to start
    command = [str(BROWSER), *options, file.as_uri() + address]
    return subprocess.run(command, check=True, capture_output=True, timeout=300).stdout.decode("utf-8")


def inside(document, element):
    """What stands in the element with this id."""
    match = re.search(rf'<(\w+)[^>]*\bid="{element}"[^>]*>(.*?)</\1>', document, re.DOTALL)
    assert match, element
    return match[2]


def found(document, element):
    """Its text, without the tags in it."""
    return html.unescape(re.sub(r"<[^>]+>", "", inside(document, element)))


def data_of(text):
    return json.loads(inside(text, "data"))


# ---- in the browser ------------------------------------------------------------------------------------------------


@needs_browser
def test_the_address_asks_for_a_cell_and_the_page_shows_its_number(tmp_path):
    document = dom(tmp_path, page(), "#cross-1-3-2-2")
    assert found(document, "which") == "Decoder → encoder: target looks at source, layer 1, head 3"
    assert found(document, "readout") == f"3 looks at 月: {CROSS[0, 2, 1, 1]:.3f}"
    assert f'aria-label="{found(document, "which")}"' in document
    table = inside(document, "weights")
    numbers = re.findall(r"<td[^>]*>(\d\.\d{3})</td>", table)
    assert numbers == [f"{weight:.3f}" for weight in CROSS[0, 2].flatten()]
    assert re.findall(r'<th scope="row"[^>]*>(.*?)</th>', table) == ["0", "3", "■"]
    assert re.findall(r"<span>(.*?)</span>", table) == ["3", "月", "␣", "■"]
    assert document.count("<canvas") == 3 * 2 * 3


WATCH = """
const alphas = data => [...data].filter((_, i) => i % 4 === 3);
const seen = {}, note = name => seen[name] = {
  which: document.getElementById("which").textContent, read: document.getElementById("readout").textContent,
  hash: decodeURI(location.hash), lines: document.querySelectorAll("line").length,
  lit: document.querySelectorAll("line.on").length, cells: document.querySelectorAll("td.on").length,
  kept: [...document.querySelectorAll(".heads button")].findIndex(b => b.getAttribute("aria-pressed") === "true"),
  painted: alphas(document.querySelector("canvas").getContext("2d").getImageData(0, 0, 4, 4).data),
};
const enter = (item, type) => item.dispatchEvent(new PointerEvent(type, { pointerType: "mouse", bubbles: true }));
const button = number => document.querySelectorAll(".heads button")[number];
const td = (t, s) => document.querySelector(`td[data-row="${t}"][data-column="${s}"]`);
const key = name => document.getElementById("weights").dispatchEvent(new KeyboardEvent("keydown", { key: name }));
const steps = [
  () => note("start"),
  () => enter(button(0), "pointerenter"), () => note("hovered"),
  () => { enter(button(2), "pointerenter"); enter(button(2), "pointerleave") }, () => note("passed by"),
  () => button(4).focus(), () => note("focused"),
  () => button(13).click(), () => note("clicked"),
  () => enter(button(0), "pointerenter"), () => enter(document.querySelector("nav"), "pointerleave"),
  () => note("back"),
  () => enter(td(1, 3), "pointerover"), () => note("cell"),
  () => enter(document.querySelector('th[data-row="2"]'), "pointerover"), () => note("row"),
  () => enter(document.querySelector('th[data-column="1"]'), "pointerover"), () => note("column"),
  () => enter(document.querySelector('text[data-row="1"]'), "pointerover"), () => note("text"),
  () => td(1, 3).click(), () => note("kept cell"),
  () => { for (const name of ["ArrowRight", "ArrowDown", "ArrowLeft", "ArrowDown", "a"]) key(name) },
  () => note("keys"),
  () => document.getElementById("zh").click(), () => note("zh"),
  () => { location.hash = "#decoder-2-1" }, () => note("other address"),
  () => { location.hash = "#cross-7-1" }, () => note("wrong address"),
  () => leave(seen),
];
const leave = result => document.body.append(Object.assign(document.createElement("pre"),
  { id: "seen", textContent: JSON.stringify(result) }));
const go = () => { steps.shift()(); if (steps.length) setTimeout(go, 70) };
go();
"""


@needs_browser
def test_hovering_focusing_clicking_and_keys(tmp_path):
    seen = json.loads(found(dom(tmp_path, page(), "", WATCH), "seen"))

    def which(name):
        return re.sub(r"(\w+)[^,]*, layer (\d), head (\d)", r"\1 \2 \3", seen[name]["which"])

    assert which("start").startswith("Decoder 1 1") and "→" in seen["start"]["which"]
    assert seen["start"]["read"].startswith("Point at a cell") and seen["start"]["hash"] == ""
    assert seen["start"]["lines"] == (CROSS[0, 0] >= 0.0195).sum() and seen["start"]["lit"] == 0
    np.testing.assert_allclose(seen["start"]["painted"], ENCODER[0, 0].flatten() * 255, atol=1)
    # a mouse that only passes by changes nothing; staying, focusing and clicking do
    assert which("hovered") == which("passed by") == "Encoder 1 1"
    assert which("focused") == "Encoder 2 2"
    assert (seen["focused"]["kept"], seen["focused"]["hash"]) == (-1, "")
    assert "→" in seen["clicked"]["which"] and which("clicked").endswith("1 2")
    assert (seen["clicked"]["kept"], seen["clicked"]["hash"]) == (13, "#cross-1-2")
    assert seen["back"]["which"] == seen["clicked"]["which"]  # what was clicked returns after a look at another
    shown = CROSS[0, 1]
    assert seen["cell"]["read"] == f"3 looks at ■: {shown[1, 3]:.3f}"
    assert (seen["cell"]["cells"], seen["cell"]["lit"]) == (1, (shown[1] >= 0.0195).sum())
    ranked = sorted(zip(shown[2], ["3", "月", "␣", "■"], strict=True), reverse=True)
    parts = [f"{token} {weight:.3f}" for weight, token in ranked if weight >= 0.0045]
    assert seen["row"]["read"].split() == " ".join(["■ looks at", *parts]).split()
    assert (seen["row"]["cells"], seen["row"]["lit"]) == (0, (shown[2] >= 0.0195).sum())
    assert seen["column"]["read"].endswith(" looks at 月")
    assert f"0 {shown[0, 1]:.3f}" in seen["column"]["read"]
    assert seen["column"]["lit"] == (shown[:, 1] >= 0.0195).sum()
    assert seen["text"]["read"].startswith("3 looks at ")
    assert seen["kept cell"]["hash"] == "#cross-1-2-2-4"
    assert seen["keys"]["read"] == f"■ looks at ␣: {shown[2, 2]:.3f}"  # at the border it stays
    assert seen["zh"]["which"] == "解码器 → 编码器：目标序列看源序列，第 1 层，第 2 头"
    assert seen["zh"]["read"] == f"■ 看 ␣：{shown[2, 2]:.3f}"
    assert seen["other address"]["which"] == "解码器：目标序列看它前面的目标，第 2 层，第 1 头"
    assert seen["wrong address"]["which"] == seen["other address"]["which"]


@needs_browser
def test_tokens_and_title_are_text_whatever_they_say(tmp_path):
    hostile = ["</script><img src=x onerror='document.title=1'>", "<!--<script>", "{{DATA}}", "\u2028'\"\\&amp;"]
    title = "</title><img src=x>{{DATA}} & \"'"
    script = """document.body.append(Object.assign(document.createElement("pre"), { id: "seen",
        textContent: JSON.stringify([document.title, document.images.length, document.scripts.length,
            document.getElementById("readout").textContent,
            [...document.querySelectorAll("#weights th span")].map(span => span.textContent)]) }))"""
    document = dom(tmp_path, page(hostile, title=title), "#cross-1-1-1-1", script)
    shown_title, images, scripts, readout, columns = json.loads(found(document, "seen"))
    assert shown_title == title and images == 0
    assert scripts == 3  # the data, the page's and this one
    assert columns == [visible(token) for token in hostile]
    assert readout == f"0 looks at {columns[0]}: {CROSS[0, 0, 0, 0]:.3f}"


@needs_browser
def test_nothing_is_fetched(tmp_path):
    """The page's own rule stops even what somebody adds to it."""
    script = """
        const report = [];
        document.addEventListener("securitypolicyviolation", event => report.push(event.blockedURI));
        const image = new Image(); image.src = "https://example.org/a.png"; document.body.append(image);
        fetch("https://example.org/").catch(() => 0);
        setTimeout(() => document.body.append(Object.assign(document.createElement("pre"),
            { id: "seen", textContent: JSON.stringify(report) })), 500);"""
    blocked = json.loads(found(dom(tmp_path, page(), "", script), "seen"))
    assert sorted(blocked) == ["https://example.org/", "https://example.org/a.png"]


# ---- without a browser ---------------------------------------------------------------------------------------------


def test_the_page_stands_alone():
    text = page()
    assert re.findall(r"\b(?:src|href)\s*=|url\(|@import|<link", text) == []
    assert set(re.findall(r"https?://[^\s\"']+", text)) == {"http://www.w3.org/2000/svg"}  # a name, not an address
    assert "{{" not in text


def test_the_data_are_the_weights_in_thousandths():
    encoder, decoder, cross = data_of(page())
    assert [kind["name"] for kind in (encoder, decoder, cross)] == ["encoder", "decoder", "cross"]
    for kind, given in ((encoder, ENCODER), (decoder, DECODER), (cross, CROSS)):
        np.testing.assert_allclose(np.array(kind["weights"]) / 1000, given, atol=0.0005)
    assert encoder["rows"] == encoder["columns"] == cross["columns"] == ["3", "月", "␣", "■"]
    assert decoder["columns"] == ["▶", "0", "3"] and decoder["rows"] == cross["rows"] == ["0", "3", "■"]


def test_rows_are_the_decoder_s_input_unless_told_what_it_wrote():
    _, decoder, cross = data_of(page(predicted=None))
    assert decoder["rows"] == cross["rows"] == decoder["columns"] == ["▶", "0", "3"]


def test_the_size_is_moderate():
    """Three layers, eight heads, 40 tokens on either side, weights as even as can be: the worst case."""
    even = np.full((3, 8, 40, 40), 1 / 40)
    text = attention_page(["x"] * 40, ["y"] * 40, even, even, even, "")
    assert len(text.encode()) < 400_000


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"layers, heads, 5, 5.*got \(2, 3, 4, 4\)"):
        page(source=[*SOURCE, "x"])
    with pytest.raises(ValueError, match=r"layers, heads, 2, 2.*got \(2, 3, 3, 3\)"):
        page(target=["a", "b"], predicted=["a", "b"])
    with pytest.raises(ValueError, match=r"all 3 target positions \(got 2\)"):
        page(predicted=["0", "3"])
    with pytest.raises(ValueError, match="from 0 to 1"):
        attention_page(SOURCE, READ, ENCODER, DECODER, CROSS * np.nan, "")
