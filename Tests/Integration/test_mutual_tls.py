"""TLS with a real nginx: the versions that are spoken, and client certificates, each webhook's own."""

import os
import shutil
import time

import hostile
import pytest
from conftest import free_port
from martlet import DELIVERY, FAILED, FAILURES, SUCCEEDED, Error

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
    log_format shown '$status $ssl_protocol $ssl_client_verify $ssl_client_s_dn $http_webhook_id';
    access_log {folder}/access.log shown;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        {more}
        location / {{ return 200 "$ssl_protocol $ssl_client_verify $ssl_client_s_dn $connection $ssl_session_reused"; }}
    }}
}}
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    authority = hostile.Authority(tmp_path_factory.mktemp("mutual"))
    authority.issue("server", "DNS:localhost,IP:127.0.0.1")
    authority.issue("alice")
    authority.issue("bob")
    authority.issue("late", start="20200101000000Z", end="20210101000000Z")
    both = "".join(open(path, encoding="ascii").read() for path in authority.path("alice"))
    (authority.folder / "both.pem").write_text(both)
    return authority


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    stranger = hostile.Authority(tmp_path_factory.mktemp("stranger"), "Another authority")
    stranger.issue("mallory")
    return stranger


@pytest.fixture
def nginx(processes, authority, tmp_path):
    program = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    assert program, "nginx is missing: apt-get install nginx-light"

    def start(more):
        port = free_port()
        certificate, key = authority.path("server")
        (tmp_path / "nginx.conf").write_text(CONFIGURATION.format(
            folder=tmp_path, port=port, certificate=certificate, key=key, more=more.format(ca=authority.file)))
        processes([program, "-e", str(tmp_path / "error.log"), "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")],
                  port)
        return f"https://localhost:{port}/"

    start.error_log = tmp_path / "error.log"
    return start


VERIFY = "ssl_client_certificate {ca}; ssl_verify_client on;"


def files(authority, name):
    return dict(zip(["clientCertificateFile", "clientKeyFile"], authority.path(name)))


def shown(engine, outcome):
    """What nginx says it saw: protocol, verdict, subject, connection."""
    return engine.delivery(outcome)["attempts"][-1]["response"].split()


# ---- Versions ----


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_modern_versions_are_spoken(engines, nginx, authority, version):
    engine = engines(caFile=authority.file)
    engine.webhook(nginx(f"ssl_protocols {version};"))
    engine.push()
    outcome = engine.one()
    assert (outcome.state, shown(engine, outcome)[0]) == (SUCCEEDED, version)


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1.1"])
def test_an_old_version_is_refused(engines, nginx, authority, version):
    # Security level 0 lets nginx offer it at all; that it really does, openssl shows.
    url = nginx(f"ssl_protocols {version}; ssl_ciphers ALL:@SECLEVEL=0;")
    port = url.split(":")[2].strip("/")
    flag = {"TLSv1": "-tls1", "TLSv1.1": "-tls1_1"}[version]
    authority.openssl("s_client", "-connect", f"127.0.0.1:{port}", flag, "-cipher", "ALL:@SECLEVEL=0", "-CAfile",
                      "ca.pem", "-verify_return_error")
    engine = engines(caFile=authority.file, retry={"delaysSeconds": []})
    engine.webhook(url)
    engine.push()
    outcome = engine.one()
    assert (outcome.state, FAILURES[outcome.failure], outcome.http_status) == (FAILED, "tls", 0)
    (attempt,) = engine.delivery(outcome)["attempts"]
    assert attempt["errorClass"] == "tls" and attempt["error"]


def test_proxies_of_the_environment_are_ignored_for_tls_too(engines, nginx, authority, monkeypatch):
    proxy = hostile.RawReceiver(lambda connection, number: None)
    for name in ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]:
        monkeypatch.setenv(name, proxy.url())
    monkeypatch.setenv("no_proxy", "")
    engine = engines(caFile=authority.file)
    engine.webhook(nginx(""))
    engine.push()
    assert engine.one().state == SUCCEEDED
    assert proxy.accepted == 0
    proxy.close()


# ---- Client certificates ----


def test_each_webhook_shows_its_own_certificate(engines, nginx, authority):
    engine = engines(caFile=authority.file, lanes=1, maxInFlightPerWebhook=4)
    url = nginx(VERIFY)
    who = {}
    for name in ["alice", "bob"]:
        who[engine.webhook(url + name, **files(authority, name))["id"]] = f"CN={name}"
    # The key may stand in the certificate's file.
    who[engine.webhook(url, clientCertificateFile=str(authority.folder / "both.pem"))["id"]] = "CN=alice"
    nobody = engine.webhook(url + "nobody")["id"]
    total = 25
    for _ in range(total):
        engine.push()
    deliveries = [o for o in engine.settle(total) if o.kind == DELIVERY]
    assert len(deliveries) == 4 * total
    for outcome in deliveries:
        webhook = outcome.webhook_id.decode()
        if webhook == nobody:
            assert (outcome.state, outcome.http_status, outcome.attempts) == (FAILED, 400, 1)
        else:
            assert (outcome.state, outcome.attempts) == (SUCCEEDED, 1)
            assert shown(engine, outcome)[1:3] == ["SUCCESS", who[webhook]]
    # Connections are kept and never shared between certificates.
    connections = {(shown(engine, o)[3], who.get(o.webhook_id.decode())) for o in deliveries if o.http_status == 200}
    assert len({connection for connection, _ in connections}) == len(connections) <= 3 * 4


def test_a_resumed_session_keeps_certificates_apart(engines, nginx, authority):
    # A new connection for each request, so that sessions are resumed.
    engine = engines(caFile=authority.file, lanes=1, maxInFlightPerWebhook=1)
    url = nginx(VERIFY + " keepalive_timeout 0; ssl_session_cache shared:all:1m;")
    who = {engine.webhook(url, **files(authority, name))["id"]: f"CN={name}" for name in ["alice", "bob"]}
    nobody = engine.webhook(url)["id"]
    resumed = 0
    for _ in range(10):
        engine.push()
        for outcome in (o for o in engine.settle(1) if o.kind == DELIVERY):
            webhook = outcome.webhook_id.decode()
            if webhook == nobody:
                assert outcome.http_status == 400
            else:
                assert shown(engine, outcome)[1:3] == ["SUCCESS", who[webhook]]
                resumed += shown(engine, outcome)[4] == "r"
    assert resumed > 0, "no session was resumed: nothing is proved"


def test_without_a_certificate_the_answer_is_400(engines, nginx, authority):
    engine = engines(caFile=authority.file)
    engine.webhook(nginx(VERIFY))
    engine.push()
    outcome = engine.one()
    assert (outcome.state, FAILURES[outcome.failure], outcome.http_status, outcome.attempts) == \
        (FAILED, "httpStatus", 400, 1)
    assert "No required SSL certificate" in engine.delivery(outcome)["attempts"][0]["response"]


def test_certificates_of_a_stranger_and_of_the_past_are_not_taken(engines, nginx, authority, stranger):
    engine = engines(caFile=authority.file)
    url = nginx(VERIFY)
    engine.webhook(url, **files(stranger, "mallory"))
    engine.webhook(url, **files(authority, "late"))
    engine.push()
    outcomes = [o for o in engine.settle(1) if o.kind == DELIVERY]
    assert [(o.state, o.http_status) for o in outcomes] == [(FAILED, 400)] * 2


def test_an_update_changes_the_certificate_of_the_next_attempt(engines, nginx, authority):
    engine = engines(caFile=authority.file)
    webhook = engine.webhook(nginx(VERIFY), **files(authority, "alice"))
    subjects = []
    for changes in [{}, files(authority, "bob"), {"clientCertificateFile": None, "clientKeyFile": None}]:
        if changes:
            webhook = engine.update(webhook, **changes)
        engine.push()
        outcome = engine.one()
        subjects.append(shown(engine, outcome)[2] if outcome.http_status == 200 else outcome.http_status)
    assert subjects == ["CN=alice", "CN=bob", 400]
    assert engine.get(webhook)["clientCertificateFile"] is None and engine.get(webhook)["clientKeyFile"] is None


def test_a_key_that_does_not_fit_fails_as_tls_and_alone(engines, nginx, authority):
    engine = engines(caFile=authority.file, retry={"delaysSeconds": []}, lanes=1)
    url = nginx(VERIFY)
    certificate, _ = authority.path("alice")
    right = engine.webhook(url, **files(authority, "alice"))["id"]
    for _ in range(5):
        # One after the other: the connection of the right key is there for the wrong one to take.
        engine.push()
        assert engine.one().state == SUCCEEDED
    wrong = engine.webhook(url, clientCertificateFile=certificate, clientKeyFile=authority.path("bob")[1])["id"]
    for _ in range(5):
        engine.push()
        for outcome in (o for o in engine.settle(1) if o.kind == DELIVERY):
            webhook = outcome.webhook_id.decode()
            wanted = {wrong: (FAILED, "tls"), right: (SUCCEEDED, "none")}[webhook]
            assert (outcome.state, FAILURES[outcome.failure]) == wanted


# ---- The document ----


def test_the_document_shows_the_files(engine, authority):
    given = files(authority, "alice")
    webhook = engine.webhook("https://127.0.0.1/", **given)
    assert given.items() <= webhook.items() and given.items() <= engine.get(webhook).items()


@pytest.mark.parametrize("key", ["clientCertificateFile", "clientKeyFile"])
@pytest.mark.parametrize("path, word", [
    ("/nowhere/at/all.pem", "No such file"), ("{folder}", "not a regular file"),
    ("{folder}/pipe", "not a regular file"),
    ("", "1 to 4096 bytes"), ("a\x00b", "control characters"), (7, "string"),
])
def test_a_file_that_cannot_be_read_is_refused_by_its_key(engine, authority, tmp_path, key, path, word):
    if not (tmp_path / "pipe").exists():
        os.mkfifo(tmp_path / "pipe")
    given = files(authority, "alice")
    webhook = engine.webhook("https://127.0.0.1/", **given)
    bad = given | {key: path.format(folder=tmp_path) if isinstance(path, str) else path}
    start = time.monotonic()
    for call in [lambda: engine.webhook("https://127.0.0.1/", **bad), lambda: engine.update(webhook, **bad)]:
        with pytest.raises(Error, match="INVALID_DOCUMENT") as caught:
            call()
        assert key in caught.value.text and word in caught.value.text, caught.value.text
    assert given.items() <= engine.get(webhook).items()
    assert time.monotonic() - start < 10, "a pipe must not hold the caller"


def test_a_key_needs_a_certificate(engine, authority):
    with pytest.raises(Error, match="INVALID_DOCUMENT.*clientKeyFile"):
        engine.webhook("https://127.0.0.1/", clientKeyFile=authority.path("alice")[1])
    webhook = engine.webhook("https://127.0.0.1/", **files(authority, "alice"))
    with pytest.raises(Error, match="INVALID_DOCUMENT.*clientKeyFile"):
        engine.update(webhook, clientCertificateFile=None)
