"""Four receivers on loopback that behave as receivers do: healthy, slow, failing, rate-limited."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import martlet
from flask import abort

from .settings import Settings

NAMES = {
    "healthy": "Demo: healthy receiver, verifies signatures",
    "slow": "Demo: slow receiver, takes its time",
    "failing": "Demo: failing receiver, four of five answers are 503",
    "limited": "Demo: rate-limited receiver, five requests a second",
}
PER_SECOND = 5.0
SLOW_SECONDS = 0.8


class DemoReceivers:
    def __init__(self, engine: martlet.Engine, settings: Settings, environment: str) -> None:
        self._engine, self._settings, self._environment = engine, settings, environment
        self._lock = threading.Lock()
        self._server: Server | None = None

    def state(self) -> dict[str, Any]:
        return {"enabled": self._server is not None, "possible": self._environment == "development"}

    def resume(self) -> None:
        """On again after a restart where they were on."""
        if self._settings.get("demo") and self._environment == "development":
            self.start()

    def start(self) -> None:
        if self._environment != "development":
            abort(409, "demo receivers are on this machine, which production does not deliver to")
        with self._lock:
            if self._server is not None:
                return
            self._server = server = _listen(self._settings.get("demoPort", 0))
            self._settings.set(demo=True, demoPort=server.server_port)
            known = {webhook.metadata["demo"]: webhook for webhook in self._webhooks()}
            for name, description in NAMES.items():
                url = f"http://127.0.0.1:{server.server_port}/{name}"
                webhook = known.get(name)
                if webhook is None:
                    webhook = self._engine.webhooks.create(
                        url=url, events=["*"], description=description, metadata={"demo": name},
                        retry={"delaysSeconds": [1, 2, 4]}, max_pending=20_000,
                    )  # fmt: skip
                elif webhook.url != url:
                    self._engine.webhooks.update(webhook.id, url=url)
                self._engine.webhooks.enable(webhook.id)
                if name == "healthy":
                    id = webhook.id
                    server.secrets = lambda: [secret.secret for secret in self._engine.webhooks.secrets(id)]
            threading.Thread(target=server.serve_forever, name="demo-receivers", daemon=True).start()

    def stop(self, for_good: bool = False) -> None:
        with self._lock:
            server, self._server = self._server, None
            if for_good:
                self._settings.set(demo=False)
                for webhook in self._webhooks():
                    self._engine.webhooks.disable(webhook.id)
            if server is not None:
                server.ended.set()
                server.shutdown()
                server.server_close()

    def _webhooks(self) -> list[martlet.Webhook]:
        return [webhook for webhook in self._engine.webhooks.list(limit=1000) if "demo" in webhook.metadata]


class Server(ThreadingHTTPServer):
    daemon_threads = True
    # Connections that nobody has taken yet; a burst opens many.
    request_queue_size = 256

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), Receiver)
        self.ended = threading.Event()
        self.lock = threading.Lock()
        self.failing_count = 0
        self.tokens, self.filled_at = PER_SECOND, time.monotonic()
        self.secrets: Any = list

    def take_token(self) -> bool:
        with self.lock:
            now = time.monotonic()
            self.tokens = min(PER_SECOND, self.tokens + (now - self.filled_at) * PER_SECOND)
            self.filled_at = now
            if self.tokens < 1:
                return False
            self.tokens -= 1
            return True

    def is_fifth(self) -> bool:
        with self.lock:
            self.failing_count += 1
            return self.failing_count % 5 == 0

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that the sender gave up is nothing to speak of."""


class Receiver(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    # Headers and body leave in one write, and answers are not held back for more to come.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        status, headers, answer = self._answer(body)
        data = json.dumps(answer).encode()
        self.send_response(status)
        for name, value in ({"content-type": "application/json"} | headers).items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _answer(self, body: bytes) -> tuple[int, dict[str, str], dict[str, Any]]:
        if self.path == "/healthy":
            try:
                martlet.verify(self.server.secrets(), self.headers, body)
            except martlet.Error as error:
                return 401, {}, {"error": error.text}
        elif self.path == "/slow":
            # Being slow is what it is for; it ends at once with the server.
            self.server.ended.wait(SLOW_SECONDS)
        elif self.path == "/failing":
            if not self.server.is_fifth():
                return 503, {}, {"error": "the database is being upgraded"}
        elif self.path == "/limited" and not self.server.take_token():
            return 429, {"retry-after": "1"}, {"error": "five requests a second, please"}
        return 200, {}, {"received": True}

    def log_message(self, *_: Any) -> None:
        """Deliveries are on the dashboard; the terminal stays quiet."""


def _listen(port: int) -> Server:
    """On the port of the last run where it is free, so that webhooks need no change."""
    try:
        return Server(port)
    except OSError:
        return Server(0)
