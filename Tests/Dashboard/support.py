"""Starts the dashboard as a user does, receivers to deliver to, and talks to its interface without a browser."""

import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ROOT = pathlib.Path(__file__).resolve().parents[2]
DASHBOARD = ROOT / "examples" / "dashboard"


def chromium():
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    assert found, "chromium is missing: apt-get install chromium"
    return found


# It runs as root in containers, where its own sandbox cannot, and visits nothing but this machine.
BROWSER_ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--force-color-profile=srgb"]


class Dashboard:
    """The process. What it prints is its log."""

    def __init__(self, data, *arguments, environment=None):
        self.data = pathlib.Path(data)
        self.lines = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dashboard", "--port", "0", "--data", str(data), *arguments],
            cwd=DASHBOARD, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"} | (environment or {}),
        )  # fmt: skip
        self.url = None
        while self.url is None:
            line = self.process.stdout.readline()
            assert line, "the dashboard ended: " + "".join(self.lines)
            self.lines.append(line)
            if found := re.search(r"http://\S+:(\d+)/", line):
                self.url, self.port = found[0], int(found[1])
        self._reader = threading.Thread(target=lambda: self.lines.extend(self.process.stdout))
        self._reader.start()

    @property
    def log(self):
        return "".join(self.lines)

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            self.process.wait()
            self._reader.join()


class Client:
    """A visitor without a browser. Every answer is kept, to look for secrets in."""

    def __init__(self, dashboard, token=None):
        self.dashboard = dashboard
        self.cookie = self.csrf = None
        if token:
            status, answer, headers = self.raw("POST", "/login", {"token": token})
        else:
            status, answer, headers = self.raw("GET", "/api/session")
        assert status == 200, answer
        self.cookie, self.csrf = headers["Set-Cookie"].split(";")[0], json.loads(answer)["csrf"]

    def raw(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.dashboard.port, timeout=30)
        sent = {"Content-Type": "application/json"}
        if self.cookie:
            sent["Cookie"] = self.cookie
        if self.csrf:
            sent["X-CSRF-Token"] = self.csrf
        sent |= headers or {}
        data = None if body is None else json.dumps(body)
        connection.request(method, path, data, {key: value for key, value in sent.items() if value is not None})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text, answer.headers

    def call(self, method, path, body=None):
        status, text, _ = self.raw(method, path, body)
        assert status < 400, f"{method} {path}: {status} {text}"
        return json.loads(text)

    def get(self, path):
        return self.call("GET", path)


class Receiver:
    """Answers as it is told, and keeps what it got."""

    def __init__(self, status=200, body="", headers=None):
        self.status, self.body, self.headers = status, body, headers or {}
        self.requests = []
        self.arrived = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                with receiver.arrived:
                    receiver.requests.append((dict(self.headers), body))
                    receiver.arrived.notify_all()
                data = receiver.body.encode()
                self.send_response(receiver.status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait_for(self, count, seconds=20):
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.requests) >= count, seconds), f"{len(self.requests)} requests"
            return self.requests

    def close(self):
        self.server.shutdown()
        self.server.server_close()
