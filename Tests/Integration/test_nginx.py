"""nginx as a receiver: kept-alive connections, and TLS with good and bad certificates."""

import os
import shutil
import subprocess
import time

import pytest
from conftest import free_port
from martlet import DELIVERY, FAILED, FAILURES, SUCCEEDED

CONFIGURATION = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    log_format connections '$connection $connection_requests $status $http_webhook_id';
    access_log {folder}/access.log connections;
    keepalive_requests 100000;
    server {{
        listen 127.0.0.1:{port} {tls};
        {certificate}
        location / {{ return 200 "ok\\n"; }}
        location /gone {{ return 404; }}
    }}
}}
"""


def openssl(*arguments, folder):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """A private authority, a certificate for localhost, one for another host, and one that nobody signed."""
    folder = tmp_path_factory.mktemp("tls")
    new = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    openssl(*new, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Test authority", folder=folder)
    openssl(*new, "-keyout", "self.key", "-out", "self.pem", "-subj", "/CN=localhost", "-addext",
            "subjectAltName=DNS:localhost,IP:127.0.0.1", folder=folder)
    for name, alternative in [("good", "DNS:localhost,IP:127.0.0.1"), ("other", "DNS:other.example")]:
        (folder / "extensions").write_text(f"subjectAltName={alternative}\n")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj",
                "/CN=receiver", folder=folder)
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days",
                "2", "-extfile", "extensions", "-out", f"{name}.pem", folder=folder)
    return folder


@pytest.fixture
def nginx(processes, authority, tmp_path):
    program = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    assert program, "nginx is missing: apt-get install nginx-light"

    def start(certificate=None):
        port = free_port()
        keys = "" if certificate is None else (
            f"ssl_certificate {authority}/{certificate}.pem; ssl_certificate_key {authority}/{certificate}.key;")
        text = CONFIGURATION.format(folder=tmp_path, port=port, tls="ssl" if certificate else "", certificate=keys)
        (tmp_path / "nginx.conf").write_text(text)
        processes([program, "-e", str(tmp_path / "error.log"), "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")],
                  port)
        return port

    start.access_log = tmp_path / "access.log"
    return start


def requests(nginx, count):
    """The lines of that many requests; nginx writes them when it has answered, which may be after the engine knows."""
    end = time.monotonic() + 10
    while True:
        lines = [line.split() for line in nginx.access_log.read_text().splitlines()]
        lines = [line for line in lines if len(line) == 4 and line[3] != "-"]
        if len(lines) >= count or time.monotonic() > end:
            return lines
        time.sleep(0.01)


def test_connections_are_kept_and_used_again(engines, nginx):
    engine = engines(maxInFlightPerWebhook=4)
    engine.webhook(f"http://127.0.0.1:{nginx()}/")
    for _ in range(400):
        engine.push()
    outcomes = [o for o in engine.settle(400) if o.kind == DELIVERY]
    assert {o.state for o in outcomes} == {SUCCEEDED}
    lines = requests(nginx, 400)
    assert len(lines) == 400 and len({line[3] for line in lines}) == 400
    assert len({line[0] for line in lines}) <= 4


def test_tls_with_a_private_authority(engines, nginx, authority):
    engine = engines(caFile=str(authority / "ca.pem"))
    port = nginx("good")
    engine.webhook(f"https://localhost:{port}/")
    engine.webhook(f"https://127.0.0.1:{port}/gone", ["call.placed"])
    for _ in range(20):
        engine.push()
    engine.push(type="call.placed")
    outcomes = [o for o in engine.settle(21) if o.kind == DELIVERY]
    assert sorted(o.http_status for o in outcomes) == [200] * 21 + [404]
    assert len(requests(nginx, 22)) == 22


@pytest.mark.parametrize("certificate, trusted", [("other", True), ("self", True), ("good", False)])
def test_a_certificate_that_does_not_fit_is_refused(engines, nginx, authority, certificate, trusted):
    more = {"caFile": str(authority / "ca.pem")} if trusted else {}
    engine = engines(retry={"delaysSeconds": [0.05], "jitter": 0}, **more)
    engine.webhook(f"https://localhost:{nginx(certificate)}/")
    engine.push()
    outcome = engine.one()
    assert (outcome.state, FAILURES[outcome.failure], outcome.http_status) == (FAILED, "certificate", 0)
    attempt = engine.delivery(outcome)["attempts"][0]
    assert attempt["errorClass"] == "certificate" and attempt["error"]
    assert requests(nginx, 0) == []
