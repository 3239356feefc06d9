"""Waiting: random, bounded, obedient. And who is on this machine."""

import random
import time
from email.utils import formatdate
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_shared.network import backoff, is_loopback, retry_after


@settings(max_examples=120)
@given(attempt=st.integers(0, 5_000), draw=st.floats(0, 1, exclude_max=True))
def test_backoff_is_the_drawn_part_of_a_doubling_window(attempt, draw):
    window = 60.0 if attempt >= 7 else 0.5 * 2**attempt
    assert backoff(attempt, lambda: draw) == draw * window


def test_clients_that_fail_together_do_not_come_back_together():
    rng = random.Random(0)
    waits = sorted(backoff(4, rng.random) for _ in range(120))
    assert 0 <= waits[0] < 0.5 and 7.5 < waits[-1] <= 8
    assert all(later - earlier < 0.6 for earlier, later in pairwise(waits))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after": "86400"}, 60.0),
        ({"retry-after": "-5"}, 0.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "tomorrow"}, None),
        ({"retry-after": formatdate(1_000_012, usegmt=True)}, 12.0),
        ({"retry-after": formatdate(999_000, usegmt=True)}, 0.0),
    ],
)
def test_retry_after(headers, seconds):
    assert retry_after(headers, now=lambda: 1_000_000.0) == seconds


def test_retry_after_as_a_date_is_measured_from_now():
    wait = retry_after({"retry-after": formatdate(time.time() + 30, usegmt=True)})
    assert wait is not None and 20 < wait <= 30


@given(st.text())
def test_retry_after_survives_any_header(text):
    wait = retry_after({"retry-after": text, "retry-after-ms": text})
    assert wait is None or 0 <= wait <= 60


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://localhost:11434/v1", True),
        ("http://LOCALHOST/v1", True),
        ("http://api.localhost/v1", True),
        ("http://127.0.0.1:8000", True),
        ("http://127.8.9.1", True),
        ("http://[::1]:8000/v1", True),
        ("http://0.0.0.0:8000", True),
        ("http://user:pass@localhost/", True),
        ("http://192.168.1.5:8000", False),
        ("https://localhost.example.com", False),
        ("https://127.0.0.1.example.com", False),
    ],
)
def test_is_loopback(url, here):
    assert is_loopback(url) is here
