"""A receiver under a test's command: what it answers, and what it got, on a real socket."""

import http.server
import threading
import time
from dataclasses import dataclass, field


@dataclass
class Request:
    path: str
    headers: dict
    body: bytes
    at: float  # time.monotonic()
    wall: float  # time.time()
    connection: int
    attempt: int  # of this event at this receiver, from 1

    @property
    def event_id(self):
        return self.headers["webhook-id"]


@dataclass
class Answer:
    status: int = 200
    body: bytes = b""
    headers: dict = field(default_factory=dict)
    raw: bytes | None = None  # sent instead of all the rest


class Receiver:
    """`answer` is an Answer, a status, or a function of the request that gives either; it may wait."""

    def __init__(self, answer=200, tls=None):
        self.answer = answer
        self.requests = []
        self.attempts = {}
        self.changed = threading.Condition()
        self.connections = 0
        self.in_flight = self.most_in_flight = 0
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                with receiver.changed:
                    receiver.connections += 1
                    self.connection_number = receiver.connections

            def do_POST(self):
                receiver._take(self)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 512

            def handle_error(self, *_):
                pass  # a sender that gives up early is part of the tests

        self.server = Server(("127.0.0.1", 0), Handler)
        if tls is not None:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def url(self, path="/"):
        return f"http://127.0.0.1:{self.port}{path}"

    def _take(self, handler):
        at, wall = time.monotonic(), time.time()
        body = handler.rfile.read(int(handler.headers["content-length"]))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        with self.changed:
            attempt = self.attempts[headers["webhook-id"]] = self.attempts.get(headers["webhook-id"], 0) + 1
            request = Request(handler.path, headers, body, at, wall, handler.connection_number, attempt)
            self.requests.append(request)
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
            self.changed.notify_all()
        try:
            answer = self.answer(request) if callable(self.answer) else self.answer
        finally:
            with self.changed:
                self.in_flight -= 1
        answer = Answer(answer) if isinstance(answer, int) else answer
        if answer.raw is not None:
            handler.wfile.write(answer.raw)
            handler.close_connection = True
            return
        handler.send_response(answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(answer.body)))
        handler.end_headers()
        handler.wfile.write(answer.body)

    def wait(self, count, seconds=15):
        """Waits until so many requests have arrived and gives them."""
        with self.changed:
            arrived = self.changed.wait_for(lambda: len(self.requests) >= count, seconds)
            assert arrived, f"{len(self.requests)} of {count} requests within {seconds} s"
            return list(self.requests)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
