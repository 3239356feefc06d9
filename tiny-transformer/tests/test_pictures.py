"""Pictures: what is drawn is what was passed, every token can be seen, and no label covers another."""

import io
import math
import sys
import warnings

import numpy as np
import pytest
from matplotlib import font_manager, image
from matplotlib.text import Text

from tiny_transformer import pictures
from tiny_transformer.pictures import attention_png, columns, fonts_for, loss_png, shortened, visible

CJK = "二零年月日"


def weights(layers, heads, target, source, seed=0):
    scores = np.random.default_rng(seed).normal(size=(layers, heads, target, source)) * 2
    return np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)


def pixels(data):
    return image.imread(io.BytesIO(data))[..., :3]


@pytest.fixture
def drawn(monkeypatch):
    """Every figure that was drawn, kept to look inside."""
    figures = []

    def keep(figure):
        figures.append(figure)
        return png(figure)

    png = pictures.png
    monkeypatch.setattr(pictures, "png", keep)
    return figures


def panels(figure):
    return [axes for axes in figure.axes if axes.get_title("left")]


def labels(axes):
    return [[text.get_text() for text in side] for side in (axes.get_xticklabels(), axes.get_yticklabels())]


@pytest.mark.parametrize(
    ("token", "label"),
    [
        ("a", "a"), ("月", "月"), ("ä", "ä"), ("<bos>", "▶"), ("<eos>", "■"), (" ", "␣"), (" the", "␣the"), ("", "∅"),
        ("a\nb", "a⏎b"), ("\u200b", "U+200B"), ("\u3000", "U+3000"), ("\u202e", "U+202E"), ("\x00", "U+0000"),
        ("\ud800", "U+D800"), ("\u0301", "◌\u0301"), ("e\u0301", "e\u0301"), ("<pad>", "□"),
    ],
)  # fmt: skip
def test_every_token_can_be_seen(token, label):
    assert visible(token) == label


def test_widths():
    assert [columns(text) for text in ("", "abc", "月a", "■")] == [0, 3, 3, 1]
    assert shortened("abcdef", 6) == "abcdef"
    assert shortened("abcdefg", 6) == "abcde…"
    assert shortened("二零二零", 6) == "二零…"


# ---- attention -----------------------------------------------------------------------------------------------------


def test_panels_show_the_weights_of_their_head(drawn):
    given = weights(2, 3, 4, 6)
    attention_png(list("source"), list("targ"), given, "a title")
    (figure,) = drawn
    assert [axes.get_title("left") for axes in panels(figure)] == [
        f"layer {layer}, head {head}" for layer in (1, 2) for head in (1, 2, 3)
    ]
    for number, axes in enumerate(panels(figure)):
        (shown,) = axes.images
        np.testing.assert_array_equal(shown.get_array(), given[number // 3, number % 3])
        assert shown.get_clim() == (0, 1)  # one scale for all
        assert labels(axes) == [list("source"), list("targ") if number % 3 == 0 else [""] * 4]
    assert "a title" in [text.get_text() for text in figure.texts]


def test_dark_is_high():
    """The picture itself: with all weight on one source token, its column is dark, the others are white."""
    one = np.zeros((1, 1, 8, 8))
    one[..., 5] = 1.0
    got = pixels(attention_png(list("abcdefgh"), list("abcdefgh"), one))
    height, cell = got.shape[0], pictures.CELL * pictures.DPI
    middle = got[int(height * 0.6)]  # a row of dots through the panel
    dark = np.flatnonzero(middle.max(-1) < 0.5)
    left = (0.15 + pictures.CHARACTER) * pictures.DPI
    assert dark.min() == pytest.approx(left + 5 * cell, abs=2) and dark.max() == pytest.approx(left + 6 * cell, abs=2)


SHAPES = {
    "dates": (2, 4, list("2021-03-03") , list("the 3rd of March, 2021, ok")[:25]),
    "words": (1, 8, [f"word{'s' * (n % 9)}" for n in range(20)], [f"Wort{'e' * (n % 13)}" for n in range(20)]),
    "one cell": (1, 1, ["a"], ["b"]),
    "narrow panels": (1, 12, ["<bos>", "x"], ["y"]),
    "Chinese": (1, 2, list("2021年"), list("二零二一年三月三日")),
    "Chinese words": (1, 3, ["二零二一年三月三日一二"] * 3, ["二零二一年三月三日一二"] * 5),
}  # fmt: skip


@pytest.mark.parametrize("fonts", [pictures.CJK_FONTS, ()], ids=["fonts", "no font"])
@pytest.mark.parametrize("name", SHAPES)
def test_no_label_covers_another_or_leaves_the_picture(name, fonts, drawn, monkeypatch):
    monkeypatch.setattr(pictures, "CJK_FONTS", fonts)
    layers, heads, target, source = SHAPES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a missing glyph is a warning of matplotlib's
        attention_png(source, target, weights(layers, heads, len(target), len(source)), "Wörter 二零二一 → 2021 " * 3)
    (figure,) = drawn
    renderer = figure.canvas.get_renderer()
    boxes = [
        (text.get_text(), text.get_window_extent(renderer))
        for text in figure.findobj(Text)
        if text.get_text() and text.get_visible()
    ]
    panels_at = [axes.get_window_extent(renderer) for axes in panels(figure)]
    for number, (text, box) in enumerate(boxes):
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1 + 1 and box.y1 <= figure.bbox.y1, text
        others = [*boxes[:number], *(("panel", at) for at in panels_at)]
        for other, its in others:
            apart = box.x1 <= its.x0 + 1 or its.x1 <= box.x0 + 1 or box.y1 <= its.y0 + 1 or its.y1 <= box.y0 + 1
            assert apart, (text, other)
    assert max(figure.get_size_inches()) < 20


def test_a_missing_font_shows_codes(drawn, monkeypatch):
    monkeypatch.setattr(pictures, "CJK_FONTS", ())
    attention_png(["月", "a"], ["日"], weights(1, 1, 1, 2), "二")
    assert labels(panels(drawn[0])[0]) == [["U+6708", "a"], ["U+65E5"]]
    assert "U+4E8C" in [text.get_text() for text in drawn[0].texts]


def test_an_installed_font_is_found(monkeypatch):
    assert fonts_for("abc ä ▶■□␣") == ([pictures.LATIN_FONT], set())
    families, missing = fonts_for(CJK + "😀a")
    if len(families) == 1:
        pytest.skip("no font with Chinese characters is installed: apt-get install fonts-noto-cjk")
    assert missing == {"😀"} and families[1] in pictures.CJK_FONTS
    # matplotlib keeps the list of fonts of its first run in a file: a font that came later is found all the same
    manager = font_manager.fontManager
    monkeypatch.setattr(manager, "ttflist", [font for font in manager.ttflist if font.name not in pictures.CJK_FONTS])
    assert fonts_for(CJK)[1] == set()


def test_two_dollars_are_no_formula(drawn):
    attention_png(["$\\frac$", "$x$"], ["$_$"], weights(1, 1, 1, 2), "costs $5, not $6 $\\bad$")
    assert labels(panels(drawn[0])[0])[0] == ["$\\frac$", "$x$"]


def test_a_long_text_becomes_coarser_not_enormous(monkeypatch):
    def size():
        data = attention_png(["x"] * 120, ["y"] * 10, np.full((1, 1, 10, 120), 1 / 120))
        return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])

    whole = size()
    monkeypatch.setattr(pictures, "MOST_DOTS", 200_000)
    coarse = size()
    assert 190_000 < math.prod(coarse) < 201_000 < math.prod(whole)
    monkeypatch.setattr(pictures, "MOST_DOTS_A_SIDE", 500)
    assert max(size()) in (499, 500)


@pytest.mark.parametrize(
    ("shape", "message"),
    [((1, 2, 3), r"\(got \(1, 2, 3\)\)"), ((1, 1, 2, 3), r"\(layers, heads, 2, 2\) for these tokens"),
     ((1, 1, 3, 2), "layers, heads, 2, 2"), ((0, 1, 2, 2), "each 1 or more")],
)  # fmt: skip
def test_weights_that_do_not_fit_are_refused(shape, message):
    with pytest.raises(ValueError, match=message):
        attention_png(["a", "b"], ["c", "d"], np.zeros(shape))


@pytest.mark.parametrize("wrong", [math.nan, -0.5, 1.5, math.inf])
def test_numbers_that_are_no_weights_are_refused(wrong):
    with pytest.raises(ValueError, match="from 0 to 1"):
        attention_png(["a"], ["b"], np.array([[[[wrong]]]]))


# ---- curves --------------------------------------------------------------------------------------------------------

LOG = [
    {"step": 20, "train_loss": 2.0, "validation_loss": 2.2, "bleu": 9.0},
    {"step": 10, "train_loss": 3.0},
    {"step": 30, "train_loss": 1.5, "validation_loss": 1.9, "bleu": 21.0},
]


def test_curves_are_the_rows_in_order(drawn):
    assert loss_png(LOG).startswith(b"\x89PNG\r\n\x1a\n")
    curves = {line.get_label(): line.get_xydata().tolist() for axes in drawn[0].axes for line in axes.lines}
    assert curves == {
        "train loss": [[10, 3.0], [20, 2.0], [30, 1.5]],
        "validation loss": [[20, 2.2], [30, 1.9]],
        "bleu": [[20, 9.0], [30, 21.0]],
    }


def test_a_log_without_scores_has_one_panel(drawn):
    loss_png([{"step": 1, "train_loss": 1.0}])
    assert [axes.get_title() for axes in drawn[0].axes] == ["nats a token"]


def test_a_log_without_numbers_is_refused():
    for rows in ([], [{"step": 1, "tokens": 5.0}]):
        with pytest.raises(ValueError, match="no row of the log has one of train_loss, validation_loss"):
            loss_png(rows)


def test_pyplot_stays_out_of_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)  # importing it fails now
    assert loss_png(LOG) and attention_png(["a"], ["b"], np.ones((1, 1, 1, 1)))
