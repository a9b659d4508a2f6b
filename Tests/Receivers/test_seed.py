"""The plain endpoints, with all sample events."""

import json
import sys

import pytest
from conftest import EVENTS, NODE, RECEIVERS, post, push_samples


@pytest.mark.parametrize("command, unknown", [
    ([sys.executable, str(RECEIVERS / "flask" / "seed.py")], 0),
    ([NODE, str(RECEIVERS / "express" / "seed.js")], 7),  # its switch has a default
], ids=["flask", "express"])
def test_all_sample_events(programs, engine, command, unknown):
    program = programs(command)
    engine.webhooks.create(url=program.url, events=["*"])
    deliveries = push_samples(engine)
    assert len(deliveries) == len(EVENTS) == 11
    for delivery in deliveries:
        assert (delivery.state, delivery.attempt_count) == ("succeeded", 1)
        assert json.loads(delivery.attempts[0].response) == {"received": True, "eventType": delivery.event_type}
    # The work comes after the answer, in any order.
    program.wait("customer record updated, 185 s", 2)
    program.wait("team notified", 2)
    program.wait("workflow results logged", 2)
    program.wait("Unknown event type: ", unknown)
    assert len(program.printed) == 1 + 11 + 6 + unknown
    assert "  [receiver] exec_789: workflow results logged, completed" in program.printed
    assert "  [receiver] call_xyz789: team notified, call_placed" in program.printed


@pytest.mark.parametrize("command", [
    [sys.executable, str(RECEIVERS / "flask" / "seed.py")], [NODE, str(RECEIVERS / "express" / "seed.js")],
], ids=["flask", "express"])
def test_an_event_that_lacks_what_the_work_needs_is_told_and_harms_nothing(programs, command):
    program = programs(command)
    assert post(program.url, b'{"eventType": "call.placed"}')[:2] == (
        200, {"received": True, "eventType": "call.placed"})
    program.wait("Error processing webhook: ")
    assert post(program.url, b"{")[0] == 400
    assert post(program.url, b'{"eventType": "call.queued", "data": {}}')[0] == 200
