"""The receivers that rows deliver to: the sink, and nginx for HTTPS. Both are processes that end with this one."""

import json
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

from row import Row

# The sink stays awake while deliveries come, so that a sender's CPU does not depend on whether it has to wake the sink.
# Not for latencies: there the receiver's waking is part of the way.
SPIN_MICROSECONDS = 100
# Kinds of rows that deliver as fast as they can, and whose every delivery the sink must have seen.
DELIVERING = ("deliver", "durable", "send-host", "deliver-host")
# nginx without a log; a connection is never closed for its age or its number of requests.
NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder};
    fastcgi_temp_path {folder};
    proxy_temp_path {folder};
    scgi_temp_path {folder};
    uwsgi_temp_path {folder};
    default_type application/json;
    keepalive_requests 100000000;
    keepalive_timeout 600s;
    client_body_buffer_size 512k;
    server {{
        listen 127.0.0.1:{port} ssl backlog=4096;
        ssl_certificate {folder}/server.pem;
        ssl_certificate_key {folder}/server.key;
        location / {{ return 200 '{{"received":true}}'; }}
    }}
    server {{
        listen 127.0.0.1:{status};
        location / {{ stub_status; }}
    }}
}}
"""
EXTENSIONS = "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n"


class RowFailed(Exception):
    """A row that could not be measured, with the reason in one line."""


class Sink:
    """The receiver of most rows. It ends when its input is closed, so it cannot outlive this process."""

    def __init__(self, program: Path, row: Row, delay_ms: int, stamps: Path | None = None) -> None:
        command = [str(program), "--delay-ms", str(delay_ms)]
        if row.hosts > 1:
            command += ["--any-host"]
        if stamps:
            command += ["--stamps", str(stamps)]
        if row.kind in DELIVERING:
            command += ["--spin-us", str(SPIN_MICROSECONDS)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            self.port = json.loads(self.process.stdout.readline())["port"]
        except ValueError:
            self.process.kill()
            self.process.wait()
            raise RowFailed("the sink did not start") from None

    def end(self) -> dict:
        """Ends it and returns what it saw."""
        try:
            output, _ = self.process.communicate(timeout=10)
            return json.loads(output)
        except (subprocess.TimeoutExpired, ValueError):
            raise RowFailed("the sink did not end in order") from None
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def make_certificates(folder: Path) -> None:
    """An authority of our own, and a certificate of 127.0.0.1 that it signed."""
    if (folder / "server.pem").exists():
        return
    folder.mkdir(exist_ok=True)
    (folder / "extensions").write_text(EXTENSIONS)
    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    for command in (
        ("req", "-x509", *new, "-days", "2", "-subj", "/CN=Benchmark", "-keyout", "ca.key", "-out", "ca.pem"),
        ("req", *new, "-subj", "/CN=127.0.0.1", "-keyout", "server.key", "-out", "server.csr"),
        (
            "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", "extensions", "-out", "server.pem",
        ),
    ):
        made = subprocess.run(("openssl", *command), cwd=folder, capture_output=True, text=True)
        if made.returncode != 0:
            raise RowFailed(f"openssl {command[0]}: {made.stderr.strip().splitlines()[-1]}")


class Nginx:
    """A receiver over HTTPS; `authority` is the file that a sender has to trust."""

    def __init__(self, folder: Path) -> None:
        make_certificates(folder)
        self.authority = folder / "ca.pem"
        self.port, self.status = free_ports(2)
        configuration = folder / "nginx.conf"
        configuration.write_text(NGINX.format(folder=folder, port=self.port, status=self.status))
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", "nginx", "-p", str(folder), "-c", str(configuration)],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )
        if not self.await_start():
            self.process.terminate()
            _, errors = self.process.communicate()
            raise RowFailed(f"nginx did not start: {(errors.strip().splitlines() or ['no message'])[-1]}")

    def await_start(self) -> bool:
        deadline = time.monotonic() + 10
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return True
            except OSError:
                time.sleep(0.02)  # there is nothing else to wait for until it listens
        return False

    def end(self) -> dict:
        """Ends it and returns what it saw, but for this question and the connection that found it awake."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.status}/", timeout=10) as answer:
                numbers = [int(word) for word in answer.read().decode().split() if word.isdigit()]
            accepted, _, requests = numbers[1:4]
            return {"requests": requests - 1, "connections": accepted - 2}
        except (OSError, ValueError) as error:
            raise RowFailed(f"nginx did not tell what it saw: {error}") from None
        finally:
            self.process.terminate()
            self.process.communicate()
