#!/usr/bin/env python3
"""The receiver of the shared cases: answers as its paths say and tells what it got. Standard library only.

  python3 Tests/Bindings/receiver.py     prints `port N` and serves on 127.0.0.1 until it is ended

  POST /503,200/anything            answers 503, then 200 from then on; counted for each path
  GET  /requests/503,200/anything   a JSON list of what came to that path, the oldest first:
                                    {"method", "path", "headers": {lowercase: value}, "body": text,
                                     "json": the body's value or null}
"""

import json
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

requests = defaultdict(list)
lock = threading.Lock()


def parsed(body):
    try:
        return json.loads(body)
    except ValueError:
        return None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body of an answer go out as one segment.
    wbufsize = -1

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        answers = self.path.split("/")[1].split(",")
        with lock:
            place = len(requests[self.path])
            requests[self.path].append({
                "method": self.command, "path": self.path,
                "headers": {name.lower(): value for name, value in self.headers.items()},
                "body": body.decode(errors="replace"), "json": parsed(body)})
        status = answers[min(place, len(answers) - 1)]
        self.answer(int(status) if status.isdigit() else 404, b"answer of the receiver", "text/plain")

    def do_GET(self):
        prefix = "/requests"
        if not self.path.startswith(prefix + "/"):
            return self.answer(404, b"no such page", "text/plain")
        with lock:
            body = json.dumps(requests.get(self.path[len(prefix):], [])).encode()
        self.answer(200, body, "application/json")

    def answer(self, status, body, kind):
        self.send_response(status)
        self.send_header("content-type", kind)
        if status != 204:
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        if status != 204:
            self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


if __name__ == "__main__":
    server = Server(("127.0.0.1", 0), Handler)
    print(f"port {server.server_port}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
