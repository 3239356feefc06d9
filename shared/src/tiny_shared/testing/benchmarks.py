"""A track's benchmarks run from end to end at a tiny scale, and each replaces only its own table.

@pytest.mark.parametrize("part", PARTS)
def test_part(part, tmp_path):
    run_part(main, part, PARTS, 0.01, tmp_path)
"""

import contextlib
import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from unittest.mock import patch

from tiny_shared.benchmarks import machine, merged


def run_part(main: Callable[[list[str]], None], part: str, parts: Sequence[str], scale: float, folder: Path) -> str:
    """The section that `main --only part` writes into a file of the (empty) folder, where every part had one before."""
    output = folder / "RESULTS.md"
    before = {name: f"## {name}\n\n{name} as it was before." for name in parts}
    output.write_text(merged("", "How it was measured.", machine(), before, parts), encoding="utf-8")
    with patch.dict(os.environ), contextlib.redirect_stdout(io.StringIO()) as printed:
        main(["--only", part, "--scale", str(scale), "--output", str(output)])

    written, section = output.read_text(encoding="utf-8"), printed.getvalue().strip()
    assert section.startswith(f"## {part}\n"), f"a section of another part: {section}"
    assert section in written and before[part] not in written, f"{section}\n\nisn't in\n\n{written}"
    lost = [name for name in parts if name != part and f"{name} as it was before." not in written]
    assert not lost, f"the sections of {lost} are gone"
    assert list(folder.iterdir()) == [output], f"{sorted(folder.iterdir())}: more than the results"
    return section
