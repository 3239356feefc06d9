"""Pictures: well-formed SVG, a terminal that loses no character, boxes where the lines meet them."""

import re
from xml.etree import ElementTree

import pytest
from tiny_shared.pictures import flow, svg, terminal
from tiny_shared.pictures.flow import COLUMNS, GUTTER, HEIGHT, ROWS, WIDTH, Box, Step

NAMESPACE = "{http://www.w3.org/2000/svg}"


def words_of(picture: str) -> list[str]:
    return [node.text or "" for node in ElementTree.fromstring(picture).iter(f"{NAMESPACE}text")]


# ---- the terminal --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", ["A: ", "heron  "])
def test_terminal_wraps_without_losing_a_character(start):
    line = f"{start}“停电后蓄电池可支撑二十二分钟，只供圆顶电机和应急灯。” [1] " + "and some English words " * 9
    rows = list(terminal.wrap(line))
    assert len(rows) > 2
    assert all(terminal.cells(row) <= terminal.CELLS for row in rows)
    assert "".join("".join(rows).split()) == "".join(line.split())
    assert not any(row.lstrip()[:1] in terminal.NOT_FIRST for row in rows)


def test_no_row_begins_with_a_comma():
    full = "停" * (terminal.CELLS // 2)
    assert list(terminal.wrap(f"{full}，电")) == [full[1:], "   停，电"]


def test_what_two_spaces_part_is_placed_on_its_own():
    assert list(terminal.apart("  天文  a b   c")) == [(2, "天文", ""), (8, "a b", ""), (14, "c", "")]
    assert list(terminal.apart("")) == []


def test_the_terminal_shows_the_command_and_all_of_the_output_in_its_colours():
    def colour(line):
        return terminal.GREEN if line.startswith("$") else terminal.PLAIN

    def pieces(row):
        return [(2, row, terminal.PURPLE if row == "<third>" else "")] if row else []

    picture = terminal.terminal("A & B", "first\n\n<third>\n", colour, pieces)
    assert words_of(picture) == ["$ python main.py", "first", "<third>"]
    assert re.findall(r'<text x="(.*?)" y="(\d+)" fill="(.*?)"', picture) == [
        ("40.86", "62", terminal.GREEN),
        ("40.86", "106", terminal.PLAIN),
        ("40.86", "150", terminal.PURPLE),
    ]
    assert ElementTree.fromstring(picture).findtext(f"{NAMESPACE}title") == "A & B"
    (height,) = re.findall(r'viewBox="0 0 870 (\d+)"', picture)
    assert int(height) > 150  # the last line is inside


def test_the_demonstration_is_what_main_prints(tmp_path):
    (tmp_path / "main.py").write_text("import sys\nprint('你好', len(sys.argv))\n", encoding="utf-8")
    assert terminal.demonstration(tmp_path) == "你好 1\n"


# ---- the flow ------------------------------------------------------------------------------------------------------

HALVES = (Box("D", ["words"], "d.py"), Box("E", ["topics"]))
UPPER: list[Step] = [Box("Files", ["PDF,", "Word"]), Box("B", []), Box("C", []), HALVES]
LOWER: list[Step] = [Box("F", []), Box("G", [], "g.py"), Box("H", []), Box("Answer", ["[1] & more"], "i.py")]
TURN = [(800, 184), (800, GUTTER), (123, GUTTER), (123, ROWS[1] - 4)]


def test_every_step_of_a_flow_is_drawn_and_the_last_one_is_the_goal():
    picture = flow.flow("How", [(24, "upper"), (40, "lower")], [UPPER, LOWER], TURN)
    shown = "upper lower Files PDF, Word B C D d.py words E topics F G g.py H Answer i.py".split()
    assert sorted(words_of(picture)) == sorted([*shown, "[1] & more"])
    boxes = re.findall(r'<rect class="(\w+)" x="(\d+)" y="(\d+)"', picture)
    assert boxes.count(("card", "1", "1")) == 1 and len(boxes) == 1 + 9
    assert [box for box in boxes if box[0] == "goal"] == [("goal", str(COLUMNS[3]), str(ROWS[1]))]
    assert picture.count("<polyline") == picture.count("<polygon") == 3 + 3 + 1


def test_two_boxes_in_the_place_of_one_have_its_edges():
    upper = [int(y) for y in re.findall(r'<rect [^>]*y="(\d+)"', "".join(flow.boxes(0, 62, HALVES, False)))]
    assert upper[0] == 62 and upper[1] + flow.SPLIT == 62 + HEIGHT


def test_the_name_of_the_file_stands_above_the_lower_edge():
    for rise in (14, 11):
        assert f'y="{ROWS[0] + HEIGHT - rise}"' in "".join(flow.boxes(0, ROWS[0], LOWER[1], False, rise))


@pytest.mark.parametrize(
    ("points", "tip"),
    [([(0, 5), (WIDTH, 5)], f"{WIDTH} 5, {WIDTH - 9} 0, {WIDTH - 9} 10"), ([(5, 0), (5, 50)], "5 50, 0 41, 10 41")],
)
def test_an_arrow_points_where_its_line_goes(points, tip):
    assert f'points="{tip}"' in flow.arrow(points)[1]


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError):
        flow.flow("How", [(24, "upper"), (24, "lower")], [UPPER[:3], LOWER], TURN)


# ---- the file ------------------------------------------------------------------------------------------------------


def test_pictures_are_written_and_named(tmp_path, capsys):
    svg.write(tmp_path, {"a.svg": svg.svg(10, 20, "<数>", [svg.text(1, 2.5, "body", "")])})
    written = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert ElementTree.fromstring(written).get("viewBox") == "0 0 10 20"
    assert capsys.readouterr().out.strip() == str(tmp_path / "a.svg")
