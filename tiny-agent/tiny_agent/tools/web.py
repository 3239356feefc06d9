"""Fetch a page without being sent elsewhere: no address of this machine or its network, however it is written.

Server-side request forgery: a page, or a model that has read one, names http://127.0.0.1/ or a host name that means it,
and the agent reads what is meant for insiders. The name alone says nothing, and what it means can change between the
check and the use. So: resolve once, check every address, connect to that very address with the name in the request
(and in TLS), and do the same again after every redirect.
"""

import html
import http.client
import ipaddress
import re
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from tiny_agent.tools import ToolError

MOST_BYTES, SECONDS, REDIRECTS = 1_000_000, 15.0, 5
TYPES = ("text/", "application/json", "application/xml", "application/xhtml")
PORTS = (80, 443)
Resolve = Callable[[str, int], list[str]]  # host and port to addresses; none if it can't be found
Connect = Callable[..., Any]  # ((address, port), timeout=seconds) to a socket
SCRIPTS = re.compile(r"<(script|style|noscript)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True)
class Page:
    url: str
    text: str
    cut: bool


def is_public(address: str) -> bool:
    """Whether an address belongs to the open network; also looks into IPv6 forms that carry an IPv4 address."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if found in ipaddress.ip_network("64:ff9b::/96"):  # IPv4 through NAT64
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None and not is_public(str(inner)):
            return False
    return found.is_global and not found.is_multicast and not found.is_reserved


def checked(url: str, find: Resolve) -> tuple[str, str, int, list[str]]:
    """(scheme, host, port, addresses); ToolError if it isn't a page of the open network."""
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ToolError(f"{url[:100]!r} is no address of a page") from None
    if parts.scheme not in ("http", "https"):
        raise ToolError(f"only http and https are fetched (got {parts.scheme or 'nothing'!r})")
    if parts.username or parts.password:
        raise ToolError("an address with a password in it isn't fetched")
    port = port or (443 if parts.scheme == "https" else 80)
    if not host or port not in PORTS:
        raise ToolError(f"only the ports 80 and 443 are fetched (got {port})")
    addresses = find(host, port)
    if not addresses:
        raise ToolError(f"the host {host!r} can't be found")
    if not all(map(is_public, addresses)):
        raise ToolError(f"{host} is an address of this machine or its network; only the open network is fetched")
    return parts.scheme, host, port, addresses


def fetch(url: str, find: Resolve, connect: Connect) -> Page:
    """The page's text; ToolError says what stood in the way."""
    give_up = time.monotonic() + SECONDS
    for _ in range(REDIRECTS + 1):
        scheme, host, port, addresses = checked(url, find)
        status, headers, body, cut = _request(url, scheme, host, port, addresses[0], give_up, connect)
        if status in (301, 302, 303, 307, 308) and headers.get("location"):
            url = urljoin(url, headers["location"])
            continue
        if status != 200:
            raise ToolError(f"{host} answered with {status}")
        kind = headers.get("content-type", "text/html").lower()
        if not kind.startswith(TYPES):
            raise ToolError(f"{host} sent {kind.partition(';')[0]}; only text is read")
        charset = re.search(r"charset=[\"']?([\w\-]+)", kind)
        try:
            text = body.decode(charset[1] if charset else "utf-8", "replace")
        except LookupError:
            text = body.decode("utf-8", "replace")
        return Page(url, readable(text) if "html" in kind else text, cut)
    raise ToolError(f"more than {REDIRECTS} redirects")


def _request(
    url: str, scheme: str, host: str, port: int, address: str, give_up: float, connect: Connect
) -> tuple[int, dict[str, str], bytes, bool]:
    """One request to exactly this address."""
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        plain = connect((address, port), timeout=max(0.1, give_up - time.monotonic()))
        wire = ssl.create_default_context().wrap_socket(plain, server_hostname=host) if scheme == "https" else plain
        connection = http.client.HTTPConnection(host, port)
        connection.sock = wire
        try:
            connection.request("GET", path, headers={"User-Agent": "tiny-agent", "Accept": "text/*, application/json",
                                                     "Accept-Encoding": "identity", "Connection": "close"})  # fmt: skip
            answer = connection.getresponse()
            body = bytearray()
            while len(body) <= MOST_BYTES:
                if time.monotonic() > give_up:
                    raise ToolError(f"{host} did not finish within {SECONDS:g} s")
                wire.settimeout(max(0.1, give_up - time.monotonic()))
                data = answer.read1(1 << 16)
                if not data:
                    break
                body += data
            headers = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, headers, bytes(body[:MOST_BYTES]), len(body) > MOST_BYTES
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ToolError(f"{host} can't be read ({type(error).__name__})") from None


def readable(text: str) -> str:
    """What a reader sees of a page, roughly: without scripts and tags, blank lines joined."""
    text = html.unescape(TAG.sub(" ", re.sub(r"(?i)<(br|/p|/div|/h\d|/li|/tr)\b[^>]*>", "\n", SCRIPTS.sub(" ", text))))
    lines = (re.sub(r"[ \t\r\f\v]+", " ", line).strip() for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
