"""What the complete receivers let in, and what they answer to the rest."""

import datetime
import errno
import http.client
import json
import re
import socket
import sqlite3
import urllib.parse

import martlet
import pytest
import standardwebhooks
from conftest import EXPRESS, FLASK, NODE, OTHER, SECRET, event, post, push_samples, send, signed, take

both = pytest.mark.parametrize("command", [FLASK, EXPRESS], ids=["flask", "express"])


def stored(tmp_path):
    with sqlite3.connect(tmp_path / "receiver.sqlite") as db:
        return [id for (id,) in db.execute("SELECT id FROM events ORDER BY rowid")]


@both
def test_sample_events_are_taken_once_and_worked_on(programs, engine, command, tmp_path):
    program = programs(command)
    engine.webhooks.create(url=program.url, events=["*"], secret=SECRET)
    deliveries = push_samples(engine)
    for delivery in deliveries:
        assert (delivery.state, delivery.attempt_count) == ("succeeded", 1)
        assert json.loads(delivery.attempts[0].response) == {"received": True, "eventType": delivery.event_type}
    program.wait(" done$", 11)
    again = [engine.redeliver(delivery.id) for delivery in deliveries]
    for delivery in take(engine, len(again)):
        answer = json.loads(delivery.attempts[0].response)
        assert answer == {"received": True, "eventType": delivery.event_type, "duplicate": True}
    assert sorted(stored(tmp_path)) == sorted(delivery.event_id for delivery in deliveries)
    # One worker does all in turn: when a later event is done, nothing of the duplicates is still to come.
    engine.push("call.expired", {})
    take(engine, 1)
    program.wait(" done$", 12)
    assert sum(line.endswith("done") for line in program.printed) == 12
    assert sum("customer record updated" in line for line in program.printed) == 2
    assert program.end() == 0


@both
def test_only_genuine_requests_are_let_in(programs, command, tmp_path):
    url = programs(command).url
    body = event(callId="call_1")
    good = signed(body)
    refused = {
        "no headers": {},
        "no id": {**good, "webhook-id": ""},
        "other id": {**good, "webhook-id": "msg_2"},
        "other time": {**good, "webhook-timestamp": str(int(good["webhook-timestamp"]) + 1)},
        "time is no number": {**good, "webhook-timestamp": "now"},
        "time is huge": {**good, "webhook-timestamp": "9" * 5000},
        "time in other digits": {**good, "webhook-timestamp": "\u00b2"},
        "no signature": {**good, "webhook-signature": ""},
        "other secret": signed(body, secret=OTHER),
        "other version": {**good, "webhook-signature": good["webhook-signature"].replace("v1,", "v1a,")},
        "cut": {**good, "webhook-signature": good["webhook-signature"][:-5]},
        "commas": {**good, "webhook-signature": ",,, v1 v1, ,v1"},
        "not ASCII": {**good, "webhook-signature": "v1,\u00e4\u00f6"},
        "too old": signed(body, age=310),
        "too new": signed(body, age=-310),
    }
    for name, headers in refused.items():
        assert post(url, body, headers)[:2] == (401, {"error": "bad signature"}), name
    assert post(url, body + b" ", good)[0] == 401
    assert post(url, b"", good)[0] == 401
    assert stored(tmp_path) == []

    several = {**good, "webhook-signature": f"v1a,AAAA v1,AAAA {good['webhook-signature']} v2,x"}
    assert post(url, body, several)[:2] == (200, {"received": True, "eventType": "call.placed"})
    assert send(url, id="msg_old", age=290)[0] == 200
    assert send(url, id="msg_new", age=-290)[0] == 200
    # Whatever type it says it is.
    assert post(url, body, signed(body, "msg_text") | {"content-type": "text/plain"})[0] == 200
    assert stored(tmp_path) == ["msg_1", "msg_old", "msg_new", "msg_text"]


@both
def test_an_independent_signer_is_believed(programs, command):
    body, now = event(), datetime.datetime.now(datetime.timezone.utc)
    signature = standardwebhooks.Webhook(SECRET).sign("msg_1", now, body.decode())
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}
    assert post(programs(command).url, body, headers)[0] == 200


@both
def test_rotation_of_the_secret_loses_nothing(programs, engine, command):
    first = programs(command)
    webhook = engine.webhooks.create(url=first.url, events=["*"], secret=SECRET, retry={"delaysSeconds": []})

    def status():
        engine.push("call.placed", {})
        return take(engine, 1)[0].attempts[0].status

    assert status() == 200
    # With an overlap each request carries both signatures: the receiver that knows the old secret is content.
    engine.webhooks.rotate_secret(webhook.id, secret=OTHER)
    assert status() == 200
    # Then the receiver learns both, the sender forgets the old one, and then the receiver does.
    first.end()
    both_known = programs(command, WEBHOOK_SECRET=f"{OTHER} {SECRET}")
    engine.webhooks.update(webhook.id, url=both_known.url)
    assert status() == 200
    for secret in (SECRET, OTHER):
        assert send(both_known.url, id=f"msg_{secret[6]}", secret=secret)[0] == 200
    engine.webhooks.rotate_secret(webhook.id, secret=OTHER[:-3] + "cA=", overlap_seconds=0)
    assert status() == 401


BAD = {
    "empty": b"", "cut": b'{"eventType"', "text": b"hello", "not UTF-8": b'{"eventType": "\xff"}',
    "NaN": b'{"eventType": "call.placed", "createdAt": "2025-12-08T10:30:00Z", "data": {"n": NaN}}',
    "list": b"[]", "null": b"null", "number": b"7", "string": b'"call.placed"', "no fields": b"{}",
    "deep": b"[" * 200_000 + b"]" * 200_000,
    "huge number": b'{"eventType": ' + b"9" * 5000 + b"}",
    "type is a number": b'{"eventType": 1, "createdAt": "2025-12-08T10:30:00Z", "data": {}}',
    "type with a space": b'{"eventType": "call placed", "createdAt": "2025-12-08T10:30:00Z", "data": {}}',
    "type with a line end": b'{"eventType": "call.placed\\n", "createdAt": "2025-12-08T10:30:00Z", "data": {}}',
    "no time": b'{"eventType": "call.placed", "data": {}}',
    "time is text": b'{"eventType": "call.placed", "createdAt": "yesterday", "data": {}}',
    "time is a list": b'{"eventType": "call.placed", "createdAt": [], "data": {}}',
    "no data": b'{"eventType": "call.placed", "createdAt": "2025-12-08T10:30:00Z"}',
    "data is text": b'{"eventType": "call.placed", "createdAt": "2025-12-08T10:30:00Z", "data": "x"}',
}


@both
def test_what_is_signed_but_no_event_gets_400(programs, command, tmp_path):
    program = programs(command)
    for name, body in BAD.items():
        status, answer = send(program.url, body)
        assert status == 400, name
        assert isinstance(answer["error"], str) and answer["error"], name
    assert "data" in send(program.url, BAD["no data"])[1]["error"]
    assert "createdAt" in send(program.url, BAD["no time"])[1]["error"]
    assert "eventType" in send(program.url, b"{}")[1]["error"]
    deep = b'{"eventType":"call.placed","createdAt":"2025-12-08T10:30:00Z","data":{"a":%s}}' % BAD["deep"]
    assert send(program.url, deep)[0] in (200, 400)
    assert send(program.url, id="msg_good")[0] == 200
    assert "msg_good" in stored(tmp_path)
    program.wait("msg_good: .*done")


@both
def test_strange_text_in_an_event_harms_nothing(programs, command):
    program = programs(command)
    strange = '\\ud800 \\u0000 \u202e <script> \'; DROP TABLE events; --'
    body = event(callId="@").decode().replace("@", strange)
    assert send(program.url, body.encode())[0] == 200
    program.wait("msg_1: .*done")


@both
def test_a_large_body_is_refused(programs, command, tmp_path):
    program = programs(command, BODY_LIMIT="2000")
    fits = event(text="x" * 1900)
    assert len(fits) < 2000 and send(program.url, fits)[0] == 200
    large = event(text="x" * 2000)
    assert send(program.url, large, id="msg_2")[0] == 413
    # The length that is told may be a lie, or missing.
    chunked = signed(large, "msg_3") | {"transfer-encoding": "chunked"}
    pieces = iter([large[:1000], large[1000:]])
    try:
        assert post(program.url, pieces, chunked)[0] == 413
    except ConnectionError:
        pass  # refused while it was still being sent
    assert send(program.url, id="msg_4")[0] == 200
    assert stored(tmp_path) == ["msg_1", "msg_4"]


BROKEN = [
    b"\0\1\2 no HTTP at all\r\n\r\n", b"POST /subverse/webhook HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
    b"POST /subverse/webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
    b"POST /subverse/webhook HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
    b"POST /subverse/webhook HTTP/1.1\r\nHost: x\r\nwebhook-id: " + b"x" * 300_000, b"",
]


@both
def test_broken_requests_harm_nothing(programs, command):
    program = programs(command)
    address = urllib.parse.urlsplit(program.url)
    for number, sent in enumerate(BROKEN):
        with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
            try:
                connection.sendall(sent)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
            except OSError as problem:
                # It may hang up early, even before the shutdown.
                if not isinstance(problem, ConnectionError) and problem.errno != errno.ENOTCONN:
                    raise
        assert send(program.url, id=f"msg_{number}")[0] == 200, sent[:100]
    assert program.end() == 0


@both
def test_other_paths_and_methods(programs, command):
    url = programs(command).url
    assert post(url, None, method="GET")[0] in (404, 405)
    assert post(url + "/more", b"{}")[0] == 404


@both
def test_too_many_requests_get_429_with_a_time(programs, command):
    url = programs(command, RATE_LIMIT=limit(command, 3, 60)).url
    assert [send(url, id=f"msg_{number}")[0] for number in range(3)] == [200] * 3
    # Whatever it is: forged ones are counted too, and no signature is computed for what is too much.
    status, answer, headers = post(url, b"x")
    assert status == 429 and "error" in answer
    assert 1 <= int(headers["Retry-After"]) <= 61
    assert send(url, id="msg_4")[0] == 429
    # Another sender has a limit of its own.
    address = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(address.netloc, timeout=20, source_address=("127.0.0.2", 0))
    body = event()
    connection.request("POST", address.path, body, signed(body, "msg_5"))
    assert connection.getresponse().status == 200
    connection.close()


@both
def test_martlet_obeys_429_and_everything_arrives(programs, engine, command, tmp_path):
    program = programs(command, RATE_LIMIT=limit(command, 5, 3))
    engine.webhooks.create(url=program.url, events=["*"], secret=SECRET)
    ids = [engine.push("call.placed", {"callId": f"call_{number}"}) for number in range(9)]
    deliveries = take(engine, 9)
    assert {delivery.state for delivery in deliveries} == {"succeeded"}
    statuses = sorted([attempt.status for attempt in delivery.attempts] for delivery in deliveries)
    # A retry after the usual second would have met the same window and a second 429.
    assert statuses == [[200]] * 5 + [[429, 200]] * 4
    assert sorted(stored(tmp_path)) == sorted(ids)
    program.wait(" done$", 9)


def limit(command, count, seconds):
    return f"{count}/{seconds}" if command is EXPRESS else f"{count} per {seconds} seconds"


@both
@pytest.mark.parametrize("environment", [
    {"WEBHOOK_SECRET": ""}, {"WEBHOOK_SECRET": "whsec_short"}, {"WEBHOOK_SECRET": "whsec_" + "!" * 44},
    {"BODY_LIMIT": "x"}, {"RATE_LIMIT": "often"}, {"DATABASE": "/nowhere/at.sqlite"},
], ids=lambda environment: "=".join(*environment.items()).replace("/", "-"))
def test_a_wrong_environment_is_told_and_no_secret_shown(programs, command, environment):
    program = programs(command, **environment)
    program.process.wait(20)
    program.reader.join(10)
    assert program.process.returncode == 1
    assert len(program.printed) == 1 and program.printed[0].startswith("receiver: ")
    assert "!!!" not in program.printed[0]


@both
def test_two_receivers_do_not_share_a_database(programs, command):
    programs(command).url
    second = programs(command)
    assert second.process.wait(20) == 1
    second.wait("another receiver works with ")


def test_the_receivers_tell_of_a_use_case_that_there_is_not(programs):
    program = programs([*FLASK, "crm", "telepathy"])
    assert program.process.wait(20) == 1
    program.wait("no use case telepathy; there are crm, notify, analytics, followup")


@pytest.mark.parametrize("age, body, is_good", [
    (299, b'{"test": 2432232314}', True), (301, b'{"test": 2432232314}', False), (-299, b'{"test": 2432232314}', True),
    (-301, b'{"test": 2432232314}', False), (0, b'{"test": 2432232315}', False),
])
def test_the_verifiers_know_the_specifications_vector(programs, age, body, is_good):
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    secret, now = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 1614265330 + age
    martlet_says = True
    try:
        martlet.verify(secret, headers, body, now=now)
    except martlet.VerificationFailedError:
        martlet_says = False
    text = f"""
        const {{ isGenuine, readSecrets }} = require({json.dumps(re.sub('receiver.js', 'signature.js', EXPRESS[1]))});
        const body = Buffer.from({json.dumps(body.decode())});
        console.log('genuine', isGenuine(readSecrets('{OTHER} {secret}'), {json.dumps(headers)}, body, {now}));
    """
    found = programs([NODE, "-e", text]).wait(r"genuine (\w+)")[0][1]
    assert (martlet_says, found == "true") == (is_good, is_good)
