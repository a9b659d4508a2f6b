"""The four use cases on the Flask receiver, driven by the sample events, and their programs."""

import json
import sqlite3
import subprocess
import sys
import urllib.request
import xml.etree.ElementTree
from datetime import datetime, timedelta, timezone

import pytest
from conftest import FLASK, RECEIVERS, SECRET, event, push_samples, send

USE_CASES = RECEIVERS / "flask" / "usecases"


@pytest.fixture
def run(programs, engine, tmp_path):
    """Starts the receiver with use cases and a webhook; gives the program, and a function that asks the database."""

    def start(*names, **environment):
        program = programs([*FLASK, *names], **environment)
        engine.webhooks.create(url=program.url, events=["*"], secret=SECRET)
        return program

    return start


@pytest.fixture
def ask(tmp_path):
    def rows(statement):
        with sqlite3.connect(tmp_path / "receiver.sqlite") as db:
            return db.execute(statement).fetchall()

    return rows


@pytest.fixture
def shown(tmp_path):
    """What a use case's program prints about the database."""

    def printed(name, *arguments):
        command = [sys.executable, str(USE_CASES / f"{name}.py"), str(tmp_path / "receiver.sqlite"), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout

    return printed


def test_crm(run, engine, ask, shown):
    program = run("crm")
    push_samples(engine)
    program.wait("crm done$", 11)
    assert ask("SELECT * FROM contacts") == [
        ("+91xxxxxxxxxx", "2025-12-08T10:27:00Z", 185, "Full conversation transcript...", "positive")]
    assert shown("crm") == (
        "+91xxxxxxxxxx  last call 2025-12-08T10:27:00Z, 185.0 s, positive: Full conversation transcript...\n")


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_crm_does_not_depend_on_the_order_of_events(run, ask, order):
    program = run("crm")

    def told(event_type, minute, **data):
        return json.dumps({"eventType": event_type, "createdAt": f"2025-12-08T10:{minute}:00+01:00", "data": data})

    events = [
        told("call.placed", 10, callId="a", customerNumber="+1", callTime="2025-12-08T09:10:00Z", callDuration=0),
        told("call.completed", 20, callId="a", callDuration=60, analysis={"sentiment": "neutral"}),
        # The call before that one, told late.
        told("call.completed", 30, callId="b", customerNumber="+1", callTime="2025-12-08T08:00:00Z", callDuration=5),
    ]
    for place in order:
        assert send(program.url, events[place].encode(), id=f"msg_{place}")[0] == 200
    program.wait("crm done$", 3)
    assert ask("SELECT * FROM contacts") == [("+1", "2025-12-08T09:10:00Z", 60, None, "neutral")]


@pytest.fixture
def slack(programs):
    """The stand-in; its address, and the messages that were posted."""
    program = programs([sys.executable, str(USE_CASES / "slack_stand_in.py")])
    base = program.url.removesuffix("/subverse/webhook")

    def messages():
        with urllib.request.urlopen(f"{base}/messages", timeout=20) as answer:
            return json.load(answer)

    return f"{base}/api/", messages


def negative(event):
    """The samples have no unhappy customer: the first becomes one."""
    if "analysis" in event["data"]:
        event["data"]["analysis"] |= {"sentiment": "negative", "summary": "Wants <!channel> & a refund"}
    return event


def test_negative_calls_are_told_in_slacks_format(run, engine, ask, slack, shown):
    url, messages = slack
    program = run("notify", SLACK_URL=url)
    push_samples(engine)
    program.wait("notify done$", 11)
    assert messages() == []
    push_samples(engine, negative)
    program.wait("notify done$", 22)
    (message,) = messages()
    assert message["channel"] == "#customer-support"
    assert message["text"] == "⚠️ Negative call detected with +91xxxxxxxxxx"
    assert message["attachments"] == [{"text": "Wants &lt;!channel&gt; &amp; a refund"}]
    assert shown("notify") == f"call_xyz789: message {message['ts']}\n"
    # Once for each call, whatever else is told of it.
    body = event("call.completed", callId="call_xyz789", analysis={"sentiment": "negative"})
    assert send(program.url, body)[0] == 200
    program.wait("msg_1: notify done$")
    assert len(messages()) == 1


def test_slack_is_down_and_told_later(programs, run, ask, slack):
    url, messages = slack
    # A path at which there is no Slack.
    program = run("notify", "analytics", SLACK_URL=url.replace("/api/", "/down/"))
    body = event("call.completed", callId="call_1", customerNumber="+1", analysis={"sentiment": "negative"})
    assert send(program.url, body)[0] == 200
    program.wait("notify failed: ")
    # One task's failure is its own.
    program.wait("analytics done$")
    assert ask("SELECT task, state FROM jobs ORDER BY task") == [("analytics", "done"), ("notify", "waiting")]
    program.end()
    again = programs([*FLASK, "notify", "analytics"], SLACK_URL=url)
    again.wait("notify done$")
    assert [message["text"] for message in messages()] == ["⚠️ Negative call detected with +1"]
    assert not any("analytics done" in line for line in again.printed)


def test_notify_asks_for_its_address(programs):
    program = programs([*FLASK, "notify"])
    assert program.process.wait(20) == 1
    program.wait("notify needs SLACK_URL")


@pytest.mark.parametrize("body, headers, error", [
    (b'{"channel": "#c", "text": "t"}', {}, "not_authed"),
    (b"{", {"authorization": "Bearer x"}, "invalid_json"),
    (b'{"text": "t"}', {"authorization": "Bearer x"}, "channel_not_found"),
    (b'{"channel": "#c"}', {"authorization": "Bearer x"}, "no_text"),
])
def test_the_stand_in_refuses_as_slack_does(slack, body, headers, error):
    headers = {"content-type": "application/json"} | headers
    request = urllib.request.Request(slack[0] + "chat.postMessage", body, headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert (answer.status, json.load(answer)) == (200, {"ok": False, "error": error})
    assert slack[1]() == []


def test_analytics_and_its_picture(run, engine, ask, shown, tmp_path):
    program = run("analytics")
    push_samples(engine)
    body = event("call.completed", callId="call_2", agentId="agent <b>$9$</b>", callDuration=15, callStatus="completed")
    assert send(program.url, body)[0] == 200
    program.wait("analytics done$", 12)
    assert ask("SELECT event, at, agent_id, duration, status, sentiment FROM tracked WHERE sentiment IS NOT NULL") == [
        ("Call Placed", "2025-12-08T10:30:00.000000+00:00", "agent_123", 185, "call_placed", "positive")]
    assert ask("SELECT event, count(*) FROM tracked GROUP BY 1 ORDER BY 1") == [
        ("Call Canceled", 1), ("Call Completed", 2), ("Call Errored", 1), ("Call Expired", 1), ("Call In Queue", 1),
        ("Call Placed", 1)]
    assert shown("analytics") == (
        "agent <b>$9$</b>: Call Completed 1; mean duration 15 s\n"
        "agent_123: Call Canceled 1, Call Completed 1, Call Errored 1, Call Expired 1, Call In Queue 1, Call Placed 1;"
        " mean duration 185 s\n")
    picture = tmp_path / "calls.svg"
    shown("analytics", str(picture))
    texts = {"".join(element.itertext()).strip() for element in xml.etree.ElementTree.parse(picture).iter()
             if element.tag.endswith("}text")}
    assert {"Events by agent", "Call Completed", "Call Placed", "agent_123", "agent <b>$9$</b>", "seconds"} <= texts
    shown("analytics", str(tmp_path / "calls.png"))
    assert (tmp_path / "calls.png").read_bytes().startswith(b"\x89PNG")


def with_address(event):
    if event["eventType"] == "call.placed":
        event["data"]["analysis"]["customFields"]["email"] = "ada@example.com"
    if event["eventType"] == "call.in_queue":  # the call that errors afterwards
        event["data"] |= {"callId": "call_e2", "customerNumber": "+4930123"}
    return event


def test_follow_ups(run, engine, ask, shown):
    program = run("followup")
    before = datetime.now(timezone.utc).replace(microsecond=0)
    push_samples(engine, with_address)
    program.wait("followup done$", 11)
    after = datetime.now(timezone.utc)
    rows = ask("SELECT call_id, kind, whom, text, due FROM planned ORDER BY call_id")
    assert [row[:4] for row in rows] == [
        ("call_c3", "call", None, "Call again: canceled"), ("call_e2", "call", "+4930123", "Call again: errored"),
        ("call_x4", "call", None, "Call again: expired"),
        ("call_xyz789", "mail", "ada@example.com", "Thank you for your call with us")]
    for _, kind, _, _, due in rows:
        wait = timedelta(hours=2 if kind == "call" else 0)
        assert before + wait <= datetime.fromisoformat(due) <= after + wait
    # What is due now is the letter; it is handed out once. What nobody can be called for stays.
    assert "mail ada@example.com: Thank you" in shown("followup", after.isoformat())
    assert shown("followup", after.isoformat()) == ""
    later = (after + timedelta(hours=2)).isoformat()
    assert "call +4930123: Call again: errored [call_e2]" in shown("followup", later)
    assert shown("followup", later) == ""
    assert shown("followup").count("(unknown)") == 2


def test_a_call_is_followed_up_once(run, ask):
    program = run("followup")
    for number, status in enumerate(["errored", "completed"]):
        body = event(f"call.{status}", callId="call_1", callStatus=status, customerNumber="+1")
        assert send(program.url, body, id=f"msg_{number}")[0] == 200
    program.wait("followup done$", 2)
    assert ask("SELECT kind, whom FROM planned") == [("call", "+1")]


def test_all_four_at_once(run, engine, ask, slack):
    url, messages = slack
    program = run("crm", "notify", "analytics", "followup", SLACK_URL=url)
    push_samples(engine, negative)
    program.wait(" done$", 44)
    assert ask("SELECT state, count(*) FROM jobs GROUP BY 1") == [("done", 44)]
    assert ask("SELECT sentiment FROM contacts") == [("negative",)]
    assert len(messages()) == 1
    assert ask("SELECT count(*) FROM tracked") == [(6,)]
    assert ask("SELECT count(*) FROM followups") == [(4,)]
    assert program.end() == 0


def test_data_of_the_wrong_kind_fails_its_job_alone(run, ask):
    program = run("crm", "analytics")
    body = event("call.completed", callId={"not": "text"}, analysis="happy", callDuration=[1])
    assert send(program.url, body, id="msg_bad")[0] == 200
    program.wait("crm failed: ")
    assert send(program.url, event("call.completed", callId="call_1", customerNumber="+1"), id="msg_good")[0] == 200
    program.wait("msg_good: crm done$")
    assert ask("SELECT phone FROM contacts") == [("+1",)]
    assert set(ask("SELECT state FROM jobs WHERE event_id = 'msg_bad'")) == {("waiting",)}
