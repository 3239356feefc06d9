"""The report: its numbers are the scorer's, and its page works in a browser without asking anybody for anything."""

import html
import json
import re
import shutil
import subprocess
import time

import pytest
from tiny_shared import cli

from main import parser, user_errors
from tiny_eval.score import score_file

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "my runs"
    words = ["run", "--task", "choice-en", "qa-zh", "--model", "baseline:overlap", "baseline:majority", "--out", out]
    assert cli.run(parser(), list(map(str, words)), user_errors()) == 0
    return out


def report(folder, *more, code=0):
    assert cli.run(parser(), ["report", str(folder), *map(str, more)], user_errors()) == code


def write_run(folder, task, file, rows, metric="exact_match", **about):
    (folder / task).mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / task / f"{file}.jsonl").write_text(text, encoding="utf-8")
    described = {"task": task, "model": file, "metric": metric, "kind": "generate", "extractor": None,
                 "first_line": None, "cluster": None, "tokens": [1, 2], "cost": 0.5, "seconds": 1.0,
                 **about}  # fmt: skip
    (folder / task / f"{file}.run.json").write_text(json.dumps(described), encoding="utf-8")


def opened(page, size="1280,1600"):
    """The page's tree once its script has run, and what the browser complained about."""
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={page.parent / 'profile'}",
               f"--window-size={size}", "--enable-logging=stderr", "--v=0", "--lang=en", "--virtual-time-budget=5000",
               "--dump-dom", page.as_uri()]  # fmt: skip
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def test_all_files_are_there_with_the_scorers_numbers(folder, capsys):
    report(folder)
    made = folder / "report"
    assert {path.name for path in made.iterdir()} == {
        "report.md", "report.json", "scores.png", "outcomes.png", "report.html"}  # fmt: skip
    results = json.loads((made / "report.json").read_text(encoding="utf-8"))["results"]
    assert len(results) == 4
    for one in results:
        found = score_file(folder / one["task"] / f"{one['model']}.jsonl", one["metric"],
                           cluster="document" if one["task"] == "qa-zh" else None)  # fmt: skip
        assert (one["score"], one["stderr"], one["n"]) == (found.score, found.stderr, found.n)
        assert f"**{found.score:.2f}**" in (made / "report.md").read_text(encoding="utf-8")
    for name in ("scores.png", "outcomes.png"):
        assert (made / name).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_without_plots_into_another_folder(folder, tmp_path):
    report(folder, "--no-plots", "--out", tmp_path / "r")
    assert {path.name for path in (tmp_path / "r").iterdir()} == {"report.md", "report.json", "report.html"}


def test_what_is_no_folder_of_runs(tmp_path, capsys):
    report(tmp_path, code=2)
    assert "holds no runs; make some with" in capsys.readouterr().err
    write_run(tmp_path, "t", "m", [{"id": "1", "pred": "a", "answers": ["a"]}])
    (tmp_path / "t" / "m.run.json").write_text("{")
    report(tmp_path, code=2)
    assert "not what a run writes" in capsys.readouterr().err


def test_names_are_no_markup(tmp_path):
    write_run(tmp_path, "t", "m", [{"id": "1", "pred": "a", "answers": ["a"]}], model="<b>|x`", about="a|b")
    report(tmp_path, "--no-plots")
    text = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    assert r"\<b>\|x\`" in text and r"a\|b" in text


@browser
def test_the_page_opens_from_the_disk(folder):
    report(folder, "--no-plots")
    page = folder / "report" / "report.html"
    source = page.read_text(encoding="utf-8")
    assert re.findall(r"(?:src|href)=[\"'](?!data:)[^\"']+", source) == [] and "fetch(" not in source
    tree, complaints = opened(page)
    assert complaints == []
    assert re.search(r'data-ready="\d+"', tree)
    assert "48 of 48" in tree and "baseline-overlap" in tree and tree.count('class="row"') > 10


@browser
def test_a_model_cannot_write_into_the_page(tmp_path):
    evil = "</script><script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"
    write_run(tmp_path, "t", "m", [{"id": evil, "pred": evil, "answers": [evil], "prompt": evil}], model=evil)
    report(tmp_path, "--no-plots")
    tree, complaints = opened(tmp_path / "report" / "report.html")
    assert complaints == [] and "<title>taken" not in tree and "<img" not in tree.split("</main>")[0]
    assert "&lt;/script&gt;" in tree


DRIVER = """
<script>
addEventListener("load", () => setTimeout(() => {
  const out = {};
  const set = (id, value, event) => {
    document.getElementById(id).value = value;
    document.getElementById(id).dispatchEvent(new Event(event));
  };
  const count = () => document.getElementById("count").textContent;
  const start = performance.now();
  out.all = count(); out.rows = document.querySelectorAll("#list .row").length;
  set("outcome", "wrong", "change"); out.wrong = count();
  set("outcome", "missing", "change"); out.missing = count();
  set("outcome", "differ", "change"); out.differ = count();
  set("outcome", "", "change"); set("search", "NUMBER 777 of", "input"); out.found = count();
  document.querySelector("#list .row").click(); out.item = document.getElementById("item").textContent;
  set("search", "", "input");
  document.getElementById("language").click(); out.title = document.title;
  out.took = performance.now() - start;
  const list = document.getElementById("list");
  list.scrollTop = 34 * 9000; list.dispatchEvent(new Event("scroll"));
  out.far = [...document.querySelectorAll("#list .id")].map((e) => e.textContent).join(" ");
  out.requests = performance.getEntriesByType("resource").length;
  document.body.dataset.out = JSON.stringify(out);
}, 0));
</script>
"""


@browser
def test_ten_thousand_items_are_filtered_and_drilled_into(tmp_path):
    for model, right in (("one", 3), ("two", 4)):
        write_run(tmp_path, "big", model, [
            {"id": f"q{n}", "pred": None if n % 100 == 0 else "yes" if n % right else "no", "answers": ["yes"],
             "prompt": f"Question number {n} of many: " + "what do you say? " * 10}
            for n in range(10_000)
        ])  # fmt: skip
    report(tmp_path, "--no-plots")
    page = tmp_path / "report" / "report.html"
    page.write_text(page.read_text(encoding="utf-8").replace("</body>", DRIVER + "</body>"), encoding="utf-8")
    start = time.perf_counter()
    tree, complaints = opened(page)
    seconds = time.perf_counter() - start
    assert complaints == []
    out = json.loads(html.unescape(re.findall(r'data-out="([^"]*)"', tree)[0]))
    assert out["all"] == "10,000 of 10,000" and out["rows"] < 60 and out["requests"] == 0
    missing = {n for n in range(10_000) if n % 100 == 0}
    wrong = {n for n in range(10_000) if (n % 3 == 0 or n % 4 == 0) and n not in missing}
    differ = {n for n in range(10_000) if (n % 3 == 0) != (n % 4 == 0) and n not in missing}
    assert (out["wrong"], out["missing"], out["differ"]) == tuple(
        f"{len(each):,} of 10,000" for each in (wrong, missing, differ)
    )
    assert out["found"] == "1 of 10,000" and "q777" in out["item"] and "Accepted answers" in out["item"]
    assert out["title"].startswith("评测结果") and "q9000" in out["far"]
    ready = int(re.findall(r'data-ready="(\d+)"', tree)[0])
    print(f"ready after {ready} ms, filtered six times in {out['took']:.0f} ms, browser in all {seconds:.1f} s")
