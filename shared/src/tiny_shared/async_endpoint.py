"""One OpenAI-compatible server, asked many things at once on one event loop; each failure is a ChatError.

    async with AsyncEndpoint(Settings.from_env(), timeout=60, retries=5, deadline=600) as endpoint:
        body = await endpoint.ask("chat/completions", {"model": "...", "messages": [...]})

What may pass is asked again, as `endpoint.Endpoint` does it; the answers are plain JSON.
"""

import asyncio
import random
import ssl
import time
from collections.abc import Callable
from typing import Any

from tiny_shared.endpoint import DEFAULT_URL, ChatError, Endpoint, Json, Settings
from tiny_shared.network import backoff, is_loopback

CONNECTIONS = 8  # of one client, about


class AsyncEndpoint(Endpoint):
    """`timeout` is the longest silence in seconds; `deadline` bounds one question with its retries and waits.

    `on_retry(error, wait_s)` is told before each wait. `at_once` is about how many questions will be open at a time;
    more are let through.
    """

    def __init__(
        self,
        settings: Settings,
        timeout: float = 60.0,
        retries: int = 5,
        deadline: float = 600.0,
        draw: Callable[[], float] = random.random,
        on_retry: Callable[[ChatError, float], object] = lambda error, wait_s: None,
        at_once: int = 8,
    ) -> None:
        super().__init__(settings, timeout, retries, deadline, time.sleep, draw)
        self.on_retry, self.at_once = on_retry, at_once
        self._clients: list[Any] = []
        self._next = 0

    async def __aenter__(self) -> "AsyncEndpoint":
        self._clients = self._async_clients()
        return self

    async def __aexit__(self, *error: object) -> None:
        for client in self._clients:
            await client.close()

    async def ask(self, path: str, request: Json) -> Json:  # type: ignore[override]
        """The JSON object that `path` ("chat/completions", "completions") answers."""
        give_up = time.monotonic() + self.deadline
        failures = 0
        while True:
            try:
                return await self._attempt(path, request, give_up)
            except ChatError as error:
                wait_s = backoff(failures, self._draw) if error.wait_s is None else error.wait_s
                failures += 1
                if not error.passing or failures > self.retries or time.monotonic() + wait_s > give_up:
                    if failures > 1:
                        error.args = (f"{error} (tried {failures} times)",)
                    raise
                self.on_retry(error, wait_s)
            await asyncio.sleep(wait_s)

    async def _attempt(self, path: str, request: Json, give_up: float) -> Json:
        silence_s = min(self.timeout, max(give_up - time.monotonic(), 0.001))
        try:
            # the client's timeout is for a silence; a server that trickles is stopped by the one around it
            async with asyncio.timeout(max(give_up - time.monotonic(), 0.001)):
                options = {"timeout": silence_s}
                self._next = (self._next + 1) % len(self._clients)
                client = self._clients[self._next]
                body = await client.post(f"/{path}", cast_to=object, body=request, options=options)
        except TimeoutError:
            failure = self.error(f"did not finish within {self.deadline:g} s; ask for less")
        except Exception as error:
            explained = self._explain(error, False, silence_s)
            if explained is None and isinstance(error, ValueError):  # a body that claims to be JSON and isn't
                explained = self.error("answered with something that is no JSON object; check OPENAI_BASE_URL")
            if explained is None:
                raise
            failure = explained
        else:
            return self._checked(body)
        raise failure  # out here the client's exception, which may quote the key, is no longer attached

    def _checked(self, body: object) -> Json:
        if not isinstance(body, dict):
            if "<html" in str(body).lower():
                raise self.error("answered with a web page; check OPENAI_BASE_URL (most end in /v1)", status=404)
            raise self.error(f"answered with something that is no JSON object ({self.quote(body)}); check "
                             "OPENAI_BASE_URL")  # fmt: skip
        if body.get("error"):  # some servers report a failure inside a 200
            raise self.error(f"reported an error ({self.quote(body['error'])}); look at the server's log")
        return body

    def _async_clients(self) -> list[Any]:
        """Several: a client looks through all its connections for each request, which among 64 takes longer than the
        rest of the request."""
        _ = self._client  # says what is wrong with key and address
        import openai

        url = self.settings.base_url or DEFAULT_URL
        # no limit of its own: whoever asks decides how much is open at once. The HTTP library is httpx or its
        # successor, depending on the client's version: take the class that it uses
        limits = type(openai.DEFAULT_CONNECTION_LIMITS)(max_connections=None, max_keepalive_connections=256)
        trust = ssl.create_default_context() if url.startswith("https") else False  # read once, not for each client
        return [
            openai.AsyncOpenAI(
                api_key=self.settings.api_key or "none", base_url=url, max_retries=0,
                http_client=openai.DefaultAsyncHttpxClient(trust_env=not is_loopback(url), limits=limits, verify=trust),
            )
            for _ in range(max(1, self.at_once // CONNECTIONS))
        ]  # fmt: skip
