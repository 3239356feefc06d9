"""The loss picture is a PNG that shows what it is given."""

import struct

from tiny_llama3.pictures import loss_png

ROWS = [
    {"step": 0, "tokens": 0, "validation_loss": 6.0, "bits_per_byte": 3.0},
    {"step": 1, "tokens": 100, "train_loss": 4.0},
    {"step": 2, "tokens": 200, "validation_loss": 2.0, "bits_per_byte": 1.0},
]


def test_it_is_a_png():
    data = loss_png(ROWS, "a run")
    assert data[:8] == b"\x89PNG\r\n\x1a\n" and struct.unpack(">II", data[16:24]) == (700, 400)
    assert loss_png([], "a run that has just begun")[:4] == b"\x89PNG"


def test_everything_is_drawn():
    pictures = {
        loss_png(ROWS, "a"),
        loss_png(ROWS, "b"),
        loss_png(ROWS[::2], "a"),
        loss_png(ROWS[:2], "a"),
        loss_png(ROWS, "a", floor_bits_per_byte=0.5),
        loss_png(ROWS, "a", reference=[(0, 3.0), (200, 0.9)]),
    }
    assert len(pictures) == 6
