"""Make the sample documents that are not plain text, and check the questions that are asked about them.

    python make_samples.py          # rebuild the PDFs, the Word file and the GB18030 text, then check
    python make_samples.py --check  # only check what is there

The Markdown, HTML and English text files are their own source. The rest is made from `source/`: PDF by printing
HTML with a headless Chromium, Word by python-docx, GB18030 by re-encoding. Building twice with one Chromium gives
the same bytes: the dates that the writers put into their files are replaced by a fixed one.
"""

import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unicodedata
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import docx
from bs4 import BeautifulSoup
from docx.oxml.ns import qn
from pypdf import PdfReader

HERE = Path(__file__).resolve().parent
DOCS, SOURCE, INJECTION = HERE / "docs", HERE / "source", HERE / "injection"
FIXED_DATE = datetime(2025, 1, 1)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
ANSWERABLE_PER_LANGUAGE, UNANSWERABLE_PER_LANGUAGE, INJECTIONS = 17, 3, 10
PDF_LIMIT_BYTES = 300_000


def save(path: Path, data: bytes) -> None:
    """Write the file whole or not at all."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as temporary:
        temporary.write(data)
        temporary.flush()
        os.fsync(temporary.fileno())
    os.chmod(temporary.name, 0o644)  # a temporary file is private to its owner; a sample is for everyone
    os.replace(temporary.name, path)


def pdf_from_html(page: Path) -> bytes:
    """Print the page with a headless Chromium; the fonts are subset and embedded by it."""
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        raise FileNotFoundError(f"none of {', '.join(BROWSERS)} is on PATH; install Chromium to rebuild {page.name}")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        printed = Path(folder) / "page.pdf"
        options = ["--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
        if sys.platform == "linux":
            options.append("--no-sandbox")  # containers run as root, where the sandbox refuses to start
        target = [f"--user-data-dir={folder}/profile", f"--print-to-pdf={printed}", "--no-pdf-header-footer"]
        subprocess.run([browser, *options, *target, page.as_uri()], check=True, capture_output=True, timeout=120)
        data = printed.read_bytes()
    # The date has a fixed width, so replacing it moves no offset of the cross-reference table.
    return re.sub(rb"\(D:\d{14}", FIXED_DATE.strftime("(D:%Y%m%d%H%M%S").encode(), data)


def docx_from_markdown(page: Path) -> bytes:
    """Build a Word file from headings (`#`, `##`), list items (`- `), table rows (`|`) and paragraphs."""
    document = docx.Document()
    for name in ("Normal", "Title", "Heading 1"):
        # Word keeps one font for Latin and another for East Asian text; python-docx sets only the first.
        document.styles[name].element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), "SimSun")
    for block in re.split(r"\n\s*\n", page.read_text(encoding="utf-8").strip()):
        lines = block.splitlines()
        if lines[0].startswith("|"):
            rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if "---" not in line]
            table = document.add_table(rows=len(rows), cols=len(rows[0]), style="Table Grid")
            for row, texts in zip(table.rows, rows, strict=True):
                for cell, text in zip(row.cells, texts, strict=True):
                    cell.text = text
        elif lines[0].startswith("#"):
            marks, title = lines[0].split(" ", 1)
            document.add_heading(title, level=len(marks) - 1)
        elif lines[0].startswith("- "):
            for line in lines:
                document.add_paragraph(line.removeprefix("- "), style="List Bullet")
        else:
            document.add_paragraph("".join(lines))
    properties = document.core_properties
    properties.title, properties.author, properties.language = page.stem, "Tiny Universe", "zh-CN"
    properties.created = properties.modified = FIXED_DATE
    draft, final = io.BytesIO(), io.BytesIO()
    document.save(draft)
    with zipfile.ZipFile(draft) as parts, zipfile.ZipFile(final, "w", zipfile.ZIP_DEFLATED) as fixed:
        for name in parts.namelist():
            member = zipfile.ZipInfo(name, FIXED_DATE.timetuple()[:6])
            member.compress_type = zipfile.ZIP_DEFLATED
            member.create_system = 3  # otherwise the same build differs between Windows and the rest
            fixed.writestr(member, parts.read(name))
    return final.getvalue()


def make() -> None:
    """Rebuild every generated file of `docs/`."""
    for page in sorted(SOURCE.glob("*.html")):
        save(DOCS / f"{page.stem}.pdf", pdf_from_html(page))
    for page in sorted(SOURCE.glob("*.md")):
        save(DOCS / f"{page.stem}.docx", docx_from_markdown(page))
    for page in sorted(SOURCE.glob("*.txt")):
        save(DOCS / page.name, page.read_text(encoding="utf-8").encode("gb18030"))


def html_text(path: Path) -> str:
    soup = BeautifulSoup(path.read_bytes(), "html.parser")
    for noise in soup(["script", "style", "title", "nav", "aside", "footer"]):
        noise.decompose()
    return soup.get_text()


def text_of(path: Path) -> str:
    """The text of a document by the shortest way there is, independent of the readers that it will test."""
    if path.suffix == ".pdf":
        return "\n".join(page.extract_text() for page in PdfReader(path).pages)
    if path.suffix == ".docx":
        document = docx.Document(str(path))
        cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
        return "\n".join([paragraph.text for paragraph in document.paragraphs] + cells)
    if path.suffix == ".html":
        return html_text(path)
    return path.read_bytes().decode("gb18030" if (SOURCE / path.name).exists() else "utf-8")


def one_spaced(text: str) -> str:
    return " ".join(text.split())


def unspaced(text: str) -> str:
    return "".join(text.split())


def odd_characters(text: str) -> list[str]:
    """Characters that look right and are not: radicals, compatibility ideographs, ligatures, private use, U+FFFD."""
    return [
        f"U+{ord(c):04X}"
        for c in sorted(set(text))
        if 0x2E80 <= ord(c) <= 0x2FDF
        or 0xF900 <= ord(c) <= 0xFB4F
        or c == "\ufffd"
        or (unicodedata.category(c) in {"Cc", "Cf", "Co", "Cn"} and c not in "\n\r\t")
    ]


def document_problems() -> Iterator[str]:
    for page in sorted(SOURCE.glob("*.html")):
        pdf = DOCS / f"{page.stem}.pdf"
        if unspaced(text_of(pdf)) != unspaced(html_text(page)):
            yield f"{pdf.name}: the extracted text differs from {page.name}; rebuild with the fonts of README.md"
        if pdf.stat().st_size > PDF_LIMIT_BYTES:
            yield f"{pdf.name}: {pdf.stat().st_size} bytes, over {PDF_LIMIT_BYTES}"
    for path in sorted(DOCS.iterdir()):
        if odd := odd_characters(text_of(path)):
            yield f"{path.name}: odd characters {', '.join(odd)}"


def question_problems(lines: list[str]) -> Iterator[str]:
    texts = {f"docs/{path.name}": text_of(path) for path in sorted(DOCS.iterdir())}
    questions = [json.loads(line) for line in lines]
    if len({question["id"] for question in questions}) != len(questions):
        yield "two questions share an id"
    for language in ("en", "zh"):
        kinds = [question["answerable"] for question in questions if question["language"] == language]
        if (kinds.count(True), kinds.count(False)) != (ANSWERABLE_PER_LANGUAGE, UNANSWERABLE_PER_LANGUAGE):
            yield f"{language}: {kinds.count(True)} answerable and {kinds.count(False)} unanswerable questions"
    for question in questions:
        if not (question["answerable"] == bool(question["relevant"]) == bool(question["answers"])):
            yield f"{question['id']}: answerable, answers and relevant contradict one another"
        for source, quote in ((relevant["source"], relevant["quote"]) for relevant in question["relevant"]):
            if one_spaced(texts.get(source, "")).count(one_spaced(quote)) != 1:
                yield f"{question['id']}: not exactly once in {source}: {quote}"
            if others := [name for name in texts if name != source and unspaced(quote) in unspaced(texts[name])]:
                yield f"{question['id']}: also in {', '.join(others)}: {quote}"


def injection_problems(lines: list[str]) -> Iterator[str]:
    plants = [json.loads(line) for line in lines]
    if len(plants) != INJECTIONS:
        yield f"{len(plants)} planted instructions are listed, not {INJECTIONS}"
    for plant in plants:
        if (HERE / plant["source"]).read_text(encoding="utf-8").count(plant["text"]) != 1:
            yield f"{plant['kind']}: not exactly once in {plant['source']}"


def check() -> list[str]:
    """Everything that is wrong with the samples, one line each."""
    questions = (HERE / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    plants = (HERE / "injections.jsonl").read_text(encoding="utf-8").splitlines()
    return [*document_problems(), *question_problems(questions), *injection_problems(plants)]


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["--check"]):
        sys.exit(f"error: unknown arguments {sys.argv[1:]}; use --check or nothing")
    if not sys.argv[1:]:
        make()
    if problems := check():
        sys.exit("\n".join(f"error: {problem}" for problem in problems))
    print("samples: all checks passed")
