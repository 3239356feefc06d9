"""A download that stops anywhere ends as the right file, or as none."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest
from tiny_shared.download import DownloadError, download, hub_url
from tiny_shared.testing import FakeServer, Fault

DATA = random.Random(0).randbytes(1_000_000)
OTHER = random.Random(1).randbytes(1_200_000)
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for a child process")


def sha256(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def server():
    with FakeServer() as server:
        server.files = {"weights": DATA}
        yield server


@pytest.fixture
def waits():
    return []


@pytest.fixture
def fetch(server, tmp_path, waits):
    """Download the server's file to tmp_path/data/w, with the waiting recorded instead of done."""

    def fetch(name="weights", **options):
        options = {"sleep": waits.append, "draw": lambda: 1.0, "timeout": 5, **options}
        return download(f"{server.url}/files/{name}", tmp_path / "data" / "w", **options)

    return fetch


@pytest.fixture
def stopped(server, fetch):
    """A download that has given up after about half of the file."""
    server.faults = ["cut", "404"]
    with pytest.raises(DownloadError):
        fetch()
    del server.requests[:]
    return fetch


def names(tmp_path):
    return sorted(path.name for path in (tmp_path / "data").iterdir())


def ranges(server):
    return [request.headers["Range"] for request in server.requests]


def test_a_download_leaves_the_file_and_its_checksum(server, fetch, tmp_path, capsys):
    path = fetch()
    assert path == tmp_path / "data" / "w" and path.read_bytes() == DATA
    assert names(tmp_path) == ["w", "w.sha256"]
    assert (tmp_path / "data" / "w.sha256").read_text() == f"{sha256(DATA)}  w\n"
    assert server.requests[0].headers["Accept-Encoding"] == "identity"
    assert capsys.readouterr() == ("", "")


def test_what_is_there_is_verified_and_not_fetched_again(server, fetch):
    path = fetch()
    fetch()
    fetch(sha256=sha256(DATA).upper())
    assert len(server.requests) == 1
    path.write_bytes(DATA[:-1])  # damaged: fetched again
    fetch()
    assert path.read_bytes() == DATA and len(server.requests) == 2


def test_the_licence_is_printed_and_kept(fetch, tmp_path, capsys):
    fetch(licence="Apache-2.0, see https://example.org")
    assert capsys.readouterr().err == "w: Apache-2.0, see https://example.org\n"
    assert (tmp_path / "data" / "w.licence").read_text() == "Apache-2.0, see https://example.org\n"


@pytest.mark.parametrize("fault", ["cut", "pause", "503", "refuse", "short"])
def test_a_failure_on_the_way_is_survived(server, fetch, waits, fault):
    server.faults = [fault]
    if fault == "short":  # the server lies about the length, so only the checksum can tell
        with pytest.raises(DownloadError, match="expected"):
            fetch(sha256=sha256(DATA))
    assert fetch(timeout=0.3).read_bytes() == DATA


def test_the_rest_is_asked_for_after_a_cut(server, fetch, waits):
    server.faults = ["cut", "cut"]
    assert fetch().read_bytes() == DATA
    first, second, third = ranges(server)
    assert first is None
    assert 300_000 < int(second.removeprefix("bytes=").rstrip("-")) <= 500_000
    assert 600_000 < int(third.removeprefix("bytes=").rstrip("-")) <= 750_000
    assert server.requests[1].headers["If-Range"].startswith('"')
    assert waits == [0.5, 0.5]  # each attempt got further, so the windows did not grow


def test_a_server_that_sends_less_than_the_rest_is_asked_for_more(server, fetch):
    """Its answer is whole as HTTP goes; only the length of the file shows that something is missing."""
    server.faults = ["cut", "short"]
    assert fetch().read_bytes() == DATA
    assert len(server.requests) == 3


def test_a_later_run_resumes(server, stopped, tmp_path):
    assert names(tmp_path) == ["w.part", "w.part.json"]
    assert stopped().read_bytes() == DATA
    assert ranges(server)[0].startswith("bytes=") and len(server.requests) == 1
    assert names(tmp_path) == ["w", "w.sha256"]


def test_a_file_that_changed_meanwhile_starts_over(server, stopped):
    server.files["weights"] = OTHER
    assert stopped().read_bytes() == OTHER
    assert len(server.requests) == 1  # If-Range: the server sends the whole new file at once


def test_a_file_that_changed_between_two_attempts_starts_over(server, fetch):
    server.faults = ["cut"]
    assert fetch(sleep=lambda s: server.files.update(weights=OTHER)).read_bytes() == OTHER


def test_a_file_that_shrank_starts_over(server, stopped):
    server.files["weights"] = b"short"
    assert stopped().read_bytes() == b"short"


def test_a_server_without_ranges_starts_over(server, stopped):
    server.faults = ["ignore-range"]
    assert stopped().read_bytes() == DATA


def test_a_refused_range_starts_over(server, stopped):
    server.faults = ["416"]
    assert stopped().read_bytes() == DATA
    assert [asked is None for asked in ranges(server)] == [False, True]


def test_without_a_strong_version_nothing_is_resumed(server, fetch):
    """A weak ETag says `about the same`, which is not enough to sew two halves together."""
    server.faults = [Fault("cut", {"ETag": 'W/"x"'})]
    assert fetch().read_bytes() == DATA
    assert ranges(server) == [None, None]


def test_another_address_does_not_continue_this_part(server, stopped):
    server.files["other"] = OTHER
    assert stopped("other").read_bytes() == OTHER
    assert ranges(server) == [None]


def test_a_complete_part_needs_only_its_name(server, stopped, tmp_path):
    (tmp_path / "data" / "w.part").write_bytes(DATA)
    assert stopped().read_bytes() == DATA
    assert server.requests == []


def test_a_part_without_its_state_is_not_trusted(server, stopped, tmp_path):
    (tmp_path / "data" / "w.part.json").unlink()
    (tmp_path / "data" / "w.part").write_bytes(b"x" * 10)
    assert stopped().read_bytes() == DATA


def test_an_empty_file(server, fetch):
    server.files["weights"] = b""
    assert fetch().read_bytes() == b""


def test_attempts_that_bring_nothing_come_to_an_end(server, fetch, waits):
    server.faults = ["500"] * 9
    with pytest.raises(DownloadError, match=r"answered 500; run the same command again, 0 bytes are kept"):
        fetch(retries=3)
    assert len(server.requests) == 4
    assert waits == [1.0, 2.0, 4.0]


def test_a_cut_at_the_same_place_again_and_again_comes_to_an_end(server, fetch):
    """Without ranges each attempt brings bytes, but none gets further than the first."""
    server.faults = [Fault("cut", {"ETag": ""})] * 20
    with pytest.raises(DownloadError, match="bytes are kept"):
        fetch(retries=3)
    assert len(server.requests) == 5


def test_retry_after_is_honoured(server, fetch, waits):
    server.faults = [Fault("429", {"Retry-After": "7"})]
    fetch()
    assert waits == [7.0]


@pytest.mark.parametrize(
    ("status", "words"),
    [("404", "answered 404 Not Found; check the address"), ("401", "asks for permission"), ("403", "permission")],
)
def test_refusals_are_final(server, fetch, tmp_path, status, words):
    server.faults = [status]
    with pytest.raises(DownloadError, match=words):
        fetch()
    assert len(server.requests) == 1 and names(tmp_path) == []


def test_a_compressing_server_is_refused(server, fetch):
    server.faults = [Fault("ok", {"Content-Encoding": "gzip"})]
    with pytest.raises(DownloadError, match="compresses although asked not to"):
        fetch()


def test_a_wrong_checksum_leaves_nothing_and_keeps_the_old_file(server, fetch, tmp_path):
    with pytest.raises(DownloadError, match=f"has SHA-256 {sha256(DATA)}, expected {'0' * 64}; correct the expected"):
        fetch(sha256="0" * 64)
    assert names(tmp_path) == []
    path = fetch()
    path.write_bytes(b"mine")
    server.files["weights"] = OTHER
    with pytest.raises(DownloadError, match=r"if the new file is wanted, delete .*w\.sha256"):
        fetch()
    assert path.read_bytes() == b"mine" and names(tmp_path) == ["w", "w.sha256"]
    (tmp_path / "data" / "w.sha256").unlink()
    assert fetch().read_bytes() == OTHER


def test_the_record_may_lie_elsewhere(server, fetch, tmp_path):
    record = tmp_path / "pinned.sha256"
    fetch(record=record)
    assert record.read_text().startswith(sha256(DATA)) and names(tmp_path) == ["w"]
    record.write_text("nonsense")
    with pytest.raises(DownloadError, match=r"pinned.sha256 does not begin with a SHA-256"):
        fetch(record=record)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://host/x", "/etc/passwd", "http//x"])
def test_only_http(url, tmp_path):
    with pytest.raises(DownloadError, match="only http and https"):
        download(url, tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_a_redirect_out_of_http_is_not_followed(server, fetch):
    server.faults = [Fault("302", {"Location": "file:///etc/passwd"})]
    with pytest.raises(DownloadError):
        fetch()


def test_loopback_does_not_go_through_the_proxy(fetch, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://proxy.invalid:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert fetch(retries=0).read_bytes() == DATA


@posix
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_process_keeps_what_it_has(server, fetch, tmp_path, how):
    """A real process is stopped in the middle of the file; the next run fetches only the rest."""
    server.faults = ["pause"]
    code = "import sys; from tiny_shared.download import download; download(*sys.argv[1:])"
    target = tmp_path / "data" / "w"
    with subprocess.Popen(
        [sys.executable, "-c", code, f"{server.url}/files/weights", str(target)], stderr=subprocess.DEVNULL
    ) as process:
        part = tmp_path / "data" / "w.part"
        while process.poll() is None and not (part.exists() and part.stat().st_size > 300_000):
            time.sleep(0.01)
        process.send_signal(how)
    assert not target.exists() and part.stat().st_size > 300_000
    assert fetch().read_bytes() == DATA
    assert ranges(server)[-1] is not None


def test_a_part_that_is_not_the_one_asked_for_is_thrown_away(server, stopped, tmp_path):
    state = tmp_path / "data" / "w.part.json"
    assert json.loads(state.read_text())["size"] == len(DATA)
    server.faults = [Fault("ok", {"Content-Range": "bytes 0-9/10"})]
    assert stopped().read_bytes() == DATA
    assert [asked is None for asked in ranges(server)] == [False, True]


@pytest.mark.parametrize(
    ("arguments", "endpoint", "url"),
    [
        (("a/b", "x.bin"), None, "https://huggingface.co/a/b/resolve/main/x.bin"),
        (("a/b", "x.bin"), "", "https://huggingface.co/a/b/resolve/main/x.bin"),
        (("a/b", "x.bin"), "https://mirror.example/", "https://mirror.example/a/b/resolve/main/x.bin"),
        (
            ("a/b", "d e/x#1.bin", "refs/pr/1", "hf", "dataset"),
            None,
            "https://huggingface.co/datasets/a/b/resolve/refs%2Fpr%2F1/d%20e/x%231.bin",
        ),
        (("a/b", "x", "main", "modelscope"), "https://m.example", "https://modelscope.cn/models/a/b/resolve/master/x"),
        (("a/b", "x", "v1", "modelscope", "dataset"), None, "https://modelscope.cn/datasets/a/b/resolve/v1/x"),
    ],
)
def test_hub_url(monkeypatch, arguments, endpoint, url):
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    if endpoint is not None:
        monkeypatch.setenv("HF_ENDPOINT", endpoint)
    assert hub_url(*arguments) == url


def test_a_mirror_of_modelscope(monkeypatch):
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", "http://127.0.0.1:9/")
    assert hub_url("a/b", "x", source="modelscope") == "http://127.0.0.1:9/models/a/b/resolve/master/x"


def test_an_unknown_hub():
    with pytest.raises(ValueError, match="source must be hf or modelscope"):
        hub_url("a/b", "x", source="elsewhere")
