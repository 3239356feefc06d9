"""Paths that leave the workspace, addresses that lead inside: every spelling is refused, after redirects, too."""

import io
import os

import pytest

from tiny_agent.tools import ToolError
from tiny_agent.tools.web import checked, fetch, is_public, readable
from tiny_agent.tools.workspace import Workspace


@pytest.fixture
def workspace(tmp_path):
    (tmp_path / "secret.txt").write_text("secret")
    root = tmp_path / "work"
    root.mkdir()
    (root / "a.txt").write_text("inside")
    (root / ".hidden").write_text("hidden words")
    return Workspace(root)


@pytest.mark.parametrize("path", [
    "../secret.txt", "/etc/passwd", "a/../../secret.txt", "./../secret.txt", "..//secret.txt", "sub/../../secret.txt",
    "\0", "", " ", "a.txt\0.md", "/proc/self/environ", "~/secret.txt", "..\\secret.txt", "file:///etc/passwd",
    "%2e%2e/secret.txt",
])  # fmt: skip
def test_paths_that_leave_are_refused(workspace, path):
    with pytest.raises(ToolError):
        workspace.read(path)


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links_that_leave_are_refused(workspace):
    (workspace.root / "link").symlink_to(workspace.root.parent / "secret.txt")
    (workspace.root / "folder").symlink_to(workspace.root.parent)
    (workspace.root / "inner").symlink_to(workspace.root / "a.txt")
    for path in ("link", "folder/secret.txt"):
        with pytest.raises(ToolError, match="outside the workspace"):
            workspace.read(path)
    assert workspace.read("inner") == "inside"
    assert workspace.search("secret").startswith("nothing") and workspace.search("hidden").startswith("nothing")


@pytest.mark.skipif(os.name == "nt", reason="no named pipes there")
def test_a_pipe_does_not_hang_and_a_binary_is_no_text(workspace):
    os.mkfifo(workspace.root / "pipe")
    (workspace.root / "b").write_bytes(b"\0\1")
    for path in ("pipe", "b"):
        with pytest.raises(ToolError):
            workspace.read(path)


# ---- addresses -------------------------------------------------------------------------------------------------------


def machine(host, port):
    """What the system's look-up makes of a host, without asking anybody outside."""
    import socket

    try:
        return [str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM,
                                                                flags=socket.AI_NUMERICHOST)]  # fmt: skip
    except (OSError, UnicodeError):
        return ["127.0.0.1"] if host in ("localhost", "localhost.") else ["93.184.216.34"] if "." in host else []


@pytest.mark.parametrize("url", [
    "http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/", "http://0/",
    "http://localhost/", "http://localhost./", "http://[::1]/", "http://[::]/", "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/", "http://[64:ff9b::7f00:1]/", "http://[fe80::1]/", "http://[fc00::1]/", "http://[2002:7f00:1::]/",
    "http://10.0.0.1/", "http://192.168.1.1/", "http://172.16.0.1/", "http://169.254.169.254/latest/meta-data",
    "http://100.64.0.1/", "http://224.0.0.1/", "http://255.255.255.255/", "http://0.0.0.0/", "http://198.18.0.1/",
    "file:///etc/passwd", "ftp://example.org/", "gopher://example.org/", "javascript:alert(1)",
    "//example.org/", "example.org",
    "http://user:pass@example.org/", "http://example.org:22/", "http://example.org:8080/", "http://example.org:99999/",
    "http://[::1", "http:///", "http://", "", "http://\u2460\u2461\u2466.0.0.1/",
])  # fmt: skip
def test_addresses_that_lead_inside_are_refused(url):
    with pytest.raises(ToolError):
        checked(url, machine)


def test_an_open_one_is_let_through():
    assert checked("https://example.org/a?b", machine) == ("https", "example.org", 443, ["93.184.216.34"])
    assert is_public("8.8.8.8") and is_public("2606:4700::1111") and not is_public("nonsense")


def test_one_inner_address_among_several_is_enough():
    with pytest.raises(ToolError, match="only the open network"):
        checked("http://example.org/", lambda host, port: ["93.184.216.34", "127.0.0.1"])


class Wire:
    """A connection that gives a fixed answer."""

    def __init__(self, answer):
        self.answer, self.sent = answer, b""

    def sendall(self, data):
        self.sent += data

    def makefile(self, *args, **kwargs):
        return io.BytesIO(self.answer)

    def settimeout(self, seconds):
        pass

    def close(self):
        pass


def answer(
    status="200 OK", body=b"<p>Hello <b>you</b></p><script>x</script>", kind="text/html; charset=utf-8", **headers
):
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def test_a_page_is_read_from_the_address_that_was_checked():
    connected = []

    def connect(address, timeout):
        connected.append(address)
        return Wire(answer())

    looked_up = []

    def changing(host, port):  # the name means something else at the second look
        looked_up.append(host)
        return ["93.184.216.34"] if len(looked_up) == 1 else ["127.0.0.1"]

    assert fetch("http://example.org/", changing, connect).text == "Hello you"
    assert connected == [("93.184.216.34", 80)] and looked_up == ["example.org"]


@pytest.mark.parametrize(
    "target", ["http://127.0.0.1/", "http://localhost/admin", "file:///etc/passwd", "//169.254.169.254/"]
)
def test_a_redirect_inside_is_refused(target):
    def connect(address, timeout):
        assert address[0] == "93.184.216.34"
        return Wire(answer("302 Found", b"", Location=target))

    with pytest.raises(ToolError):
        fetch("http://example.org/", machine, connect)


@pytest.mark.parametrize(("wire", "says"), [
    (answer("404 Not Found"), "answered with 404"),
    (answer(kind="image/png"), "sent image/png; only text is read"),
    (answer("302 Found", b"", Location="http://example.org/"), "more than 5 redirects"),
    (b"nonsense", "can't be read"),
    (b"", "can't be read"),
])  # fmt: skip
def test_what_is_no_page(wire, says):
    with pytest.raises(ToolError, match=says):
        fetch("http://example.org/", machine, lambda address, timeout: Wire(wire))


def test_a_large_page_is_cut_and_markup_goes():
    page = fetch(
        "http://example.org/", machine, lambda a, timeout: Wire(answer(body=b"x" * 2_000_000, kind="text/plain"))
    )
    assert page.cut and len(page.text) == 1_000_000
    assert readable("<h1>A</h1>\n<style>b</style><p>B &amp; C<br>D</p>") == "A\n\nB & C\nD"
