"""Markdown, HTML and Word: no visible word is lost, and each lies under its heading."""

import re

import docx
import pytest
from docx.oxml import OxmlElement
from hypothesis import given, settings
from hypothesis import strategies as st

from hostile import archive, body
from hostile import docx as package
from tiny_rag.readers import ReadError, read
from tiny_rag.readers.from_docx import read_docx
from tiny_rag.readers.from_html import document_from_html, read_html
from tiny_rag.readers.from_markdown import read_markdown, read_markdown_plainly
from tiny_rag.readers.plain_html import read_html_plainly


def check_spans(document):
    """Sorted, not overlapping, nothing left out."""
    assert document.spans[0].start == 0 and document.spans[-1].end == len(document.text)
    assert all(span.start < span.end for span in document.spans)
    assert all(a.end == b.start for a, b in zip(document.spans, document.spans[1:], strict=False))


def heading_of(document, words):
    position = document.text.index(words)
    return next(span.heading for span in document.spans if span.start <= position < span.end)


MARKDOWN = """---
title: "The keeper"
author: Pell
---
Before any heading.

# Lighthouse

Text *here* and `code`, and a [link](http://example.org/x).

## Ships & boats

1. Wren
2. Heron
    - mast

| name | cargo |
|------|-------|
| Wren | salt  |
| Heron| tea   |

```python
def count(ships):
    return len(ships)
```

# 雾

听见三条。[^1]

[^1]: 单字
"""


def test_markdown(tmp_path):
    (tmp_path / "a.md").write_text(MARKDOWN, encoding="utf-8")
    (document,) = read(tmp_path / "a.md")
    check_spans(document)
    assert document.title == "The keeper" and document.metadata["author"] == "Pell"
    assert "Pell" not in document.text
    assert heading_of(document, "Before") == ()
    assert heading_of(document, "Text here and code, and a link.") == ("Lighthouse",)
    assert heading_of(document, "1. Wren\n2. Heron\n- mast") == ("Lighthouse", "Ships & boats")
    assert "name | cargo\nWren | salt\nHeron | tea\n" in document.text
    assert "def count(ships):\n    return len(ships)\n" in document.text
    assert heading_of(document, "听见三条") == ("雾",)
    assert "单字" in document.text


def test_markdown_read_plainly_loses_nothing_and_keeps_headings():
    document = read_markdown_plainly(MARKDOWN.encode())
    check_spans(document)
    assert document.text == MARKDOWN.partition("---\n")[2].partition("---\n")[2]
    assert heading_of(document, "| Wren") == ("Lighthouse", "Ships & boats")
    fenced = read_markdown_plainly(b"# One\n```\n# no heading\n```\n## Two\ntext")
    assert heading_of(fenced, "text") == ("One", "Two")


HTML = """<!DOCTYPE html><html><head><title>Fog &amp; horns</title><style>p{color:red}</style>
<script>var hidden = "scripted";</script></head><body>
<nav><a href="/">Start</a> <a href="/x">Imprint</a></nav>
<h1>Light<b>house</b></h1><p>Ships &lt;three&gt;&nbsp;of
   them.<br>Next line.</p><!-- comment -->
<div>block<div>inner</div>tail</div>
<table><tr><th>name</th><th>cargo</th></tr><tr><td><p>Wren</p></td><td><p>salt</p><p>tea</p></td></tr>
<tr><td>Heron</td></tr></table>
<pre>
  keep   this
</pre><span>to</span><span>gether</span> <p hidden>unseen</p><p style="display: none">unseen</p>
<h3>Deep</h3><ul><li><p>one</p></li><li>two</li></ul><img alt="A lamp"><h2>Other</h2><p>end</p>
</body></html>"""


def test_html():
    document = read_html(HTML.encode())
    check_spans(document)
    assert document.title == "Fog & horns"
    assert document.text == (
        "Lighthouse\n\nShips <three>\xa0of them.\nNext line.\n\nblock\ninner\ntail\n\n"
        "name | cargo\nWren | salt\n\ntea\nHeron\n\n\n  keep   this\n\ntogether\n\nDeep\n\n- one\n\n- two\nA lamp\n\n"
        "Other\n\nend"
    )
    assert heading_of(document, "- two") == ("Lighthouse", "Deep")
    assert heading_of(document, "end") == ("Lighthouse", "Other")


@pytest.mark.parametrize("claim", ["gb2312", "GBK", "utf-8", "nonsense", "zlib"])
def test_html_in_gb18030_whatever_it_claims(claim):
    page = f'<meta charset="{claim}"><p>灯塔的看守人每天早饭前数一遍船</p>'
    assert read_html(page.encode("gb18030")).text == "灯塔的看守人每天早饭前数一遍船"


def test_html_believes_a_claim_that_fits():
    assert read_html('<meta charset="shift_jis"><p>灯台守は朝食の前に船を数える</p>'.encode("shift_jis")).text == (
        "灯台守は朝食の前に船を数える"
    )


def test_navigation_is_kept_where_it_is_the_content():
    assert "Wren" in document_from_html("<nav><a>Wren</a> <a>Heron</a><p>unclosed nav, and the whole page in it").text


words = st.integers(0, 10**6).map(lambda n: f"w{n}x") | st.integers(0, 10**6).map(lambda n: f"词{n}语")
BLOCKS = "p div section article blockquote ul ol li table tr td th h1 h2 h3 h6 pre span b td center dl dt dd".split(" ")
trees = st.recursive(
    words,
    lambda inner: st.tuples(st.sampled_from(BLOCKS), st.lists(inner, min_size=1, max_size=4), st.booleans()),
    max_leaves=25,
)


def html_of(tree):
    if isinstance(tree, str):
        return f" {tree} "
    name, inner, closed = tree
    return f"<{name}>{''.join(map(html_of, inner))}" + (f"</{name}>" if closed else "")


@given(trees)
def test_no_word_of_any_page_is_lost_or_moved(tree):
    page = html_of(tree)
    document = document_from_html(page)
    check_spans(document)
    assert re.findall(r"w\d+x|词\d+语", document.text) == re.findall(r"w\d+x|词\d+语", page)


lists = st.lists(words, min_size=1, max_size=4)
blocks = st.one_of(
    lists.map(" ".join),
    st.tuples(st.integers(1, 6), words).map(lambda h: f"{'#' * h[0]} {h[1]}"),
    lists.map(lambda items: "\n".join(f"- {item}" for item in items)),
    lists.map(lambda items: "\n".join(f"{i}. {item}" for i, item in enumerate(items, 1))),
    lists.map(lambda items: "\n".join(f"> {item}" for item in items)),
    lists.map(lambda items: "```\n" + "\n".join(items) + "\n```"),
    lists.map(lambda cells: f"| {' | '.join(cells)} |\n|{'---|' * len(cells)}\n| {' | '.join(cells)} |"),
    words.map(lambda word: f"*{word}* **{word}** [{word}](http://e.org) `{word}`"),
)


@settings(deadline=None)
@given(st.lists(blocks, min_size=1, max_size=8))
def test_no_word_of_any_markdown_is_lost_or_moved(parts):
    source = "\n\n".join(parts)
    document = read_markdown(source.encode())
    check_spans(document)
    assert re.findall(r"w\d+x|词\d+语", document.text) == re.findall(r"w\d+x|词\d+语", source)


@pytest.fixture
def word_file(tmp_path):
    word = docx.Document()
    word.add_paragraph("Before.")
    word.add_heading("灯塔", 1)
    word.add_paragraph("Text of one.")
    word.add_heading("Ships", 2)
    table = word.add_table(2, 2)
    for cell, text in zip(table._cells, ("name", "cargo", "Wren", "salt"), strict=True):
        cell.text = text
    word.add_paragraph("first", style="List Bullet")
    style = word.styles.add_style("标题 2", 1)
    word.add_paragraph("雾", style=style)
    paragraph = word.add_paragraph("End")
    paragraph.add_run(" of\tall").bold = True
    word.save(tmp_path / "a.docx")
    return tmp_path / "a.docx"


def test_docx(word_file):
    (document,) = read(word_file)
    check_spans(document)
    assert document.text == (
        "Before.\n\n灯塔\n\nText of one.\n\nShips\n\nname | cargo\nWren | salt\n\nfirst\n\n雾\n\nEnd of all"
    )
    assert heading_of(document, "Before") == ()
    assert heading_of(document, "Wren") == ("灯塔", "Ships")
    assert heading_of(document, "End of all") == ("灯塔", "雾")
    assert document.metadata == {"format": "docx"}


def test_docx_text_that_is_no_paragraph_of_python_docx():
    """A content control, a tracked insertion, and a text box that is there twice, the second time for old readers."""
    space = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    run = "<w:r><w:t>{}</w:t></w:r>".format
    document = read_docx(
        package(
            body(
                f"<w:sdt><w:sdtContent><w:p>{run('control')}</w:p></w:sdtContent></w:sdt>"
                f"<w:p><w:ins>{run('inserted')}</w:ins><w:del><w:r><w:delText>deleted</w:delText></w:r></w:del></w:p>"
                f"<w:p><mc:AlternateContent {space}><mc:Choice><w:p>{run('box')}</w:p></mc:Choice>"
                f"<mc:Fallback><w:p>{run('box')}</w:p></mc:Fallback></mc:AlternateContent></w:p>"
            )
        )
    )
    assert document.text == "control\n\ninserted\n\nbox"


def test_docx_hyphens_tabs_and_breaks(word_file):
    paragraph = (
        "<w:p>{}<w:r><w:t>non</w:t><w:noBreakHyphen/><w:t>break</w:t><w:softHyphen/><w:t>ing</w:t><w:tab/>"
        "<w:t>fog</w:t><w:br/><w:t>horn</w:t></w:r></w:p>"
    )
    assert read_docx(package(body(paragraph.format("")))).text == "non-breaking fog\nhorn"
    word = docx.Document()
    heading = word.add_heading("", 1).add_run("non")
    heading._r.append(OxmlElement("w:noBreakHyphen"))
    heading.add_text("breaking")
    heading.add_tab()
    heading.add_text("fog")
    word.add_paragraph("text")
    word.save(word_file)
    assert heading_of(read(word_file)[0], "text") == ("non-breaking fog",)


def test_docx_with_footnotes_elsewhere_is_read_without_them():
    relation = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
        'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes" '
        'Target="http://example.org/notes.xml" TargetMode="External"/></Relationships>'
    )
    document = body("<w:p><w:r><w:t>kept</w:t></w:r></w:p>")
    assert read_docx(package(document, **{"word/_rels/document.xml.rels": relation.encode()})).text == "kept"


def test_html_read_plainly_keeps_every_visible_word():
    document = read_html_plainly(HTML.encode())
    check_spans(document)
    for part in ("Lighthouse\n\nShips <three>\xa0of them.\nNext line.", "name cargo", "together", "one", "end"):
        assert part in document.text
    assert not re.search("scripted|color|comment|</|<p", document.text)


def test_docx_that_is_damaged_says_so(word_file):
    word_file.write_bytes(word_file.read_bytes()[:-100])
    with pytest.raises(ReadError, match="damaged Word file"):
        read(word_file)
    word_file.write_bytes(archive({"xl/workbook.xml": b"<x/>"}))
    with pytest.raises(ReadError, match="not a Word document"):
        read(word_file)


def test_a_page_that_says_it_is_latin_is_not_called_unknown():
    document = read_html('<meta charset="ISO-8859-1"><p>Un café “fermé”'.encode("cp1252"))
    assert document.text == "Un café “fermé”" and document.notes == ()
