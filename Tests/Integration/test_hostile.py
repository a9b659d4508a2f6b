"""Receivers that misbehave: each gets its verdict in time, and never harms its neighbour in the same lane."""

import gzip
import ssl

import hostile
import pytest
from hostile import flood, reset, trickle, until_closed
from martlet import DELIVERY, FAILED, FAILURES, SUCCEEDED
from receiver import Receiver

DEADLINE = 1000
NEIGHBOURS = 15


@pytest.fixture
def raw():
    started = []

    def start(behave, **more):
        started.append(hostile.RawReceiver(behave, **more))
        return started[-1]

    yield start
    for receiver in started:
        receiver.close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    authority = hostile.Authority(tmp_path_factory.mktemp("hostile-tls"))
    here = "DNS:localhost,IP:127.0.0.1"
    authority.issue("good", here)
    authority.issue("expired", here, start="20200101000000Z", end="20210101000000Z")
    authority.issue("early", here, start="20400101000000Z", end="20410101000000Z")
    authority.issue("other", "DNS:other.example")
    authority.self_signed("self", here)
    return authority


@pytest.fixture
def judge(engines, receivers):
    """Sends an event to a bad receiver while a good one in the same lane gets many; gives the bad one's attempt."""

    def run(url, state, failure, status, hangs=False, wait=None, **configuration):
        engine = engines(**{"lanes": 1, "timeoutMs": DEADLINE, "connectTimeoutMs": DEADLINE,
                            "retry": {"delaysSeconds": []}} | configuration)
        good = receivers()
        bad = engine.webhook(url, ["call.completed"])
        engine.webhook(good.url(), ["call.placed"])
        engine.push(tag=1)
        if wait:
            wait()
        for _ in range(NEIGHBOURS):
            engine.push(type="call.placed", tag=2)
        seen = engine.settle(NEIGHBOURS + 1)
        deliveries = [o for o in seen if o.kind == DELIVERY]
        neighbours = [o for o in deliveries if o.tag == 2]
        assert [(o.state, o.attempts) for o in neighbours] == [(SUCCEEDED, 1)] * NEIGHBOURS
        assert len(good.requests) == NEIGHBOURS
        if hangs:
            assert deliveries[-1].tag == 1, "the neighbour waited for the bad receiver"
        (outcome,) = [o for o in deliveries if o.tag == 1]
        assert (outcome.state, FAILURES[outcome.failure], outcome.http_status, outcome.attempts) == \
            (state, failure, status, 1)
        assert outcome.webhook_id.decode() == bad["id"]
        (attempt,) = engine.delivery(outcome)["attempts"]
        assert attempt["durationMs"] <= DEADLINE + 1000
        assert (attempt["status"] or 0) == status
        if failure != "none":
            assert attempt["error"] or status, "a failure without a word"
        return attempt

    return run


# ---- No answer ----


@pytest.mark.parametrize("connect_timeout, failure", [(400, "connect"), (DEADLINE, "timeout")])
def test_never_accepts(judge, raw, connect_timeout, failure):
    receiver = raw(None, backlog=0)
    fillers = hostile.fill_backlog(receiver)
    judge(receiver.url(), FAILED, failure, 0, hangs=True, connectTimeoutMs=connect_timeout)
    for filler in fillers:
        filler.close()


def hang(receiver, connection, _):
    receiver.request(connection)
    until_closed(connection)


def header_bytes(receiver, connection, _):
    receiver.request(connection)
    trickle(connection, b"HTTP/1.1 200 OK\r\nX-Slow: " + b"s" * 10_000)


def interim_answers(receiver, connection, _):
    # Each alone is harmless and keeps the connection busy.
    receiver.request(connection)
    while not receiver.ended.wait(0.02):
        connection.sendall(b"HTTP/1.1 102 Processing\r\n\r\n")


@pytest.mark.parametrize("behave", [hang, header_bytes, interim_answers])
def test_no_answer_in_time(judge, raw, behave):
    receiver = raw(lambda connection, number: behave(receiver, connection, number))
    attempt = judge(receiver.url(), FAILED, "timeout", 0, hangs=True, wait=receiver.wait)
    assert attempt["durationMs"] >= DEADLINE - 5 and attempt["response"] is None


# ---- Too much of an answer ----


@pytest.mark.parametrize("start, endless", [
    (b"HTTP/1.1 200 OK\r\n", b"X-Filler: " + b"f" * 100 + b"\r\n"),
    (b"HTTP/1.1 200 OK\r\nX-Filler: ", b"f" * 1000),
    (b"HTTP/1.1 200 ", b"reason" * 100),
    (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nWebhook-Delivery: disable\r\n\r\n"),
], ids=["lines", "one line", "reason", "100 flood", "103 flood"])
def test_endless_headers(judge, raw, start, endless):
    def behave(connection, _):
        receiver.request(connection)
        connection.sendall(start)
        flood(connection, endless)

    receiver = raw(behave)
    judge(receiver.url(), FAILED, "badResponse", 0, wait=receiver.wait)


@pytest.mark.parametrize("framing", [b"", b"Content-Length: 999999999999\r\n", b"Transfer-Encoding: chunked\r\n"],
                         ids=["until close", "length", "chunked"])
@pytest.mark.parametrize("status, state, failure", [(200, SUCCEEDED, "none"), (503, FAILED, "httpStatus")])
def test_endless_body(judge, raw, framing, status, state, failure):
    def behave(connection, _):
        receiver.request(connection)
        connection.sendall(b"HTTP/1.1 %d Text\r\n%s\r\n" % (status, framing))
        flood(connection, b"1000\r\n" + b"b" * 4096 + b"\r\n" if b"chunked" in framing else b"b" * 4096)

    receiver = raw(behave)
    attempt = judge(receiver.url(), state, failure, status, wait=receiver.wait, responseBodyBytes=100)
    assert attempt["response"] == "b" * 100


@pytest.mark.parametrize("status, state, failure", [(200, SUCCEEDED, "none"), (500, FAILED, "httpStatus")])
def test_a_body_that_trickles_past_the_deadline(judge, raw, status, state, failure):
    def behave(connection, _):
        receiver.request(connection)
        connection.sendall(b"HTTP/1.1 %d Text\r\nContent-Length: 100000\r\n\r\n" % status)
        trickle(connection, b"t" * 10_000)

    receiver = raw(behave)
    attempt = judge(receiver.url(), state, failure, status, hangs=True, wait=receiver.wait)
    assert attempt["durationMs"] >= DEADLINE - 5 and attempt["response"].startswith("tt")


def test_a_gzip_bomb_is_kept_as_it_came(judge, raw):
    # 100 MB of zeros in 100 kB.
    bomb = gzip.compress(bytes(100_000_000), compresslevel=9, mtime=0)

    def behave(connection, _):
        receiver.request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb))
        connection.sendall(bomb)

    receiver = raw(behave)
    attempt = judge(receiver.url(), SUCCEEDED, "none", 200, responseBodyBytes=1000)
    assert attempt["response"] == bomb[:1000].decode(errors="replace")


# ---- A wrong answer ----


@pytest.mark.parametrize("ending", ["close", "hang"])
def test_a_content_length_that_is_too_long(judge, raw, ending):
    def behave(connection, _):
        receiver.request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
        if ending == "hang":
            until_closed(connection)

    receiver = raw(behave)
    attempt = judge(receiver.url(), SUCCEEDED, "none", 200, hangs=ending == "hang", wait=receiver.wait)
    assert attempt["response"] == "short"


def test_a_content_length_that_is_too_short_does_not_spoil_the_next_answer(engines, raw):
    smuggled = b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\nWebhook-Delivery: disable\r\n\r\n"

    def behave(connection, _):
        while receiver.request(connection):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" + smuggled)

    receiver = raw(behave)
    engine = engines(maxInFlightPerWebhook=1)
    webhook = engine.webhook(receiver.url())
    for _ in range(5):
        engine.push()
        outcome = engine.one()
        assert (outcome.state, outcome.http_status, outcome.attempts) == (SUCCEEDED, 200, 1)
        assert engine.delivery(outcome)["attempts"][0]["response"] == "ok"
    assert engine.get(webhook)["enabled"]


@pytest.mark.parametrize("garbage", [
    b"garbage\r\n\r\n", b"\x00\x01\x02\x03\r\n", b"SSH-2.0-OpenSSH_9.9\r\n", b"HTTP/1.1 abc\r\n\r\n", b"<html></html>",
    b"\x15\x03\x01\x00\x02\x02\x46", b"HTTP/1.1 99999 No\r\n\r\n",
], ids=["words", "binary", "ssh", "no status", "html", "tls alert", "long status"])
def test_garbage_instead_of_http(judge, raw, garbage):
    def behave(connection, _):
        receiver.request(connection)
        connection.sendall(garbage)

    receiver = raw(behave)
    judge(receiver.url(), FAILED, "badResponse", 0)


@pytest.mark.parametrize("sent, state, failure, status", [
    (b"", FAILED, "connectionLost", 0),
    (b"HTTP/1.1 200 OK\r\nX-Half: ", FAILED, "connectionLost", 0),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart", SUCCEEDED, "none", 200),
    (b"HTTP/1.1 500 Text\r\nContent-Length: 100\r\n\r\npart", FAILED, "httpStatus", 500),
], ids=["at once", "in the head", "in a good body", "in a bad body"])
def test_a_reset_in_the_answer(judge, raw, sent, state, failure, status):
    def behave(connection, _):
        receiver.request(connection)
        # In one go with the reset the kernel would drop what the sender has not read: it reads, then sees the reset.
        connection.sendall(sent)
        receiver.ended.wait(0.1)
        reset(connection)

    receiver = raw(behave)
    judge(receiver.url(), state, failure, status)


# ---- Connections that end between requests ----


@pytest.mark.parametrize("ending", ["close", "reset", "close on the next request"])
def test_a_connection_closed_between_requests_costs_no_attempt(engines, raw, ending):
    def behave(connection, number):
        receiver.request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        if ending == "close on the next request":
            # The race that no look at the connection can see: it ends after the request was sent on it.
            receiver.request(connection)
        elif ending == "reset":
            reset(connection)

    receiver = raw(behave)
    engine = engines(maxInFlightPerWebhook=1, retry={"delaysSeconds": []})
    engine.webhook(receiver.url())
    total = 20
    for _ in range(total):
        engine.push()
    outcomes = [o for o in engine.settle(total) if o.kind == DELIVERY]
    assert [(o.state, o.attempts) for o in outcomes] == [(SUCCEEDED, 1)] * total
    assert receiver.accepted >= total


# ---- Redirects ----


def test_a_redirect_loop_is_not_walked(judge, raw):
    def behave(other):
        def answer(connection, number):
            here = ring[other - 1]
            here.request(connection)
            connection.sendall(b"HTTP/1.1 308 Loop\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" %
                               ring[other].url().encode())
        return answer

    ring = []
    ring += [raw(behave(1)), raw(behave(0))]
    judge(ring[0].url(), FAILED, "httpStatus", 308)
    assert (ring[0].requests, ring[1].requests, ring[1].accepted) == (1, 0, 0)


@pytest.mark.parametrize("location", ["http://169.254.169.254/latest", "file:///etc/passwd", "//10.0.0.1/"])
def test_a_redirect_to_where_no_webhook_may_go(judge, raw, location):
    def behave(connection, _):
        receiver.request(connection)
        connection.sendall(b"HTTP/1.1 302 Go\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % location.encode())

    receiver = raw(behave)
    judge(receiver.url(), FAILED, "httpStatus", 302)
    assert receiver.requests == 1


# ---- TLS ----


@pytest.mark.parametrize("certificate, trusted, word", [
    ("expired", True, "expired"), ("early", True, "not yet valid"), ("self", True, "self"), ("self", False, "self"),
    ("other", True, "name"), ("good", False, "issuer"),
])
def test_a_bad_certificate(judge, authority, certificate, trusted, word):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.path(certificate))
    receiver = Receiver(tls=context)
    try:
        attempt = judge(f"https://localhost:{receiver.port}/", FAILED, "certificate", 0,
                        **({"caFile": authority.file} if trusted else {}))
        assert word in attempt["error"], attempt["error"]
        assert receiver.requests == []
    finally:
        receiver.close()


def hello_and_silence(receiver, connection):
    assert connection.recv(1)
    until_closed(connection)


def hello_in_bytes(receiver, connection):
    # A record of a handshake that goes on for ever.
    trickle(connection, b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc" + b"\x03" * 10_000)


@pytest.mark.parametrize("behave", [hello_and_silence, hello_in_bytes])
@pytest.mark.parametrize("connect_timeout, failure", [(400, "connect"), (DEADLINE, "timeout")])
def test_a_tls_handshake_that_stalls(judge, raw, behave, connect_timeout, failure):
    receiver = raw(lambda connection, _: behave(receiver, connection))
    judge(receiver.url(scheme="https"), FAILED, failure, 0, hangs=True, connectTimeoutMs=connect_timeout,
          wait=lambda: receiver.wait("accepted"))


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Plain\r\n\r\n", b"\x15\x03\x03\x00\x02\x02\x28", b""],
                         ids=["plain HTTP", "alert", "close"])
def test_no_tls_where_it_should_be(judge, raw, answer):
    def behave(connection, _):
        connection.recv(65536)
        connection.sendall(answer)

    receiver = raw(behave)
    judge(receiver.url(scheme="https"), FAILED, "tls", 0)
