"""What every caller of a server needs to know: how long to wait before asking again, and who is on this machine.

Waiting: exponential backoff with full jitter (Marc Brooker, AWS Architecture Blog, 2015). A thousand clients that
fail together must not come back together, so each waits a random part of a window that doubles.
"""

import ipaddress
import math
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

FIRST_WINDOW_S = 0.5
LONGEST_WAIT_S = 60.0


def backoff(attempt: int, random: Callable[[], float]) -> float:
    """Seconds to wait after failure number `attempt` (from 0): uniform in [0, min(60, 0.5 * 2^attempt)]."""
    window = FIRST_WINDOW_S * 2.0 ** min(attempt, 10)  # 2^10 is past the longest wait already
    return random() * min(LONGEST_WAIT_S, window)


def retry_after(headers: Mapping[str, str], now: Callable[[], float] = time.time) -> float | None:
    """Seconds that the server asks for, at most 60; None if it does not say.

    Reads `retry-after-ms`, then `retry-after` as seconds or as an HTTP date. `headers` must ignore case.
    """
    seconds = _number(headers.get("retry-after-ms"))
    if seconds is not None:
        seconds /= 1000
    else:
        seconds = _number(headers.get("retry-after"))
    if seconds is None:
        try:
            seconds = parsedate_to_datetime(headers.get("retry-after", "")).timestamp() - now()
        except (ValueError, TypeError, OverflowError):  # malformed, or the year 0
            return None
    return min(max(seconds, 0.0), LONGEST_WAIT_S)


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def is_loopback(url: str) -> bool:
    """Whether the URL's server runs on this machine. Such a request must not go through HTTP_PROXY: the proxy has
    another idea of who localhost is."""
    host = urlsplit(url).hostname or ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback or address.is_unspecified  # 0.0.0.0 is what many servers print at their start
