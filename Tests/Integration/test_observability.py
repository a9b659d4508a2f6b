"""Delivery log, statistics, Prometheus text."""

import json
import time

import pytest
from martlet import DELIVERY, Error
from prometheus_client.parser import text_string_to_metric_families
from receiver import Answer


def test_the_log_tells_each_attempt(engine, receivers):
    receiver = receivers(lambda r: Answer(503, b"busy: come back") if r.attempt == 1 else Answer(200, b"thanks"))
    webhook = engine.webhook(receiver.url())
    event_id = engine.push(tag=2**64 - 1)
    delivery = engine.delivery(engine.one())
    assert delivery["eventId"] == event_id and delivery["webhookId"] == webhook["id"]
    assert (delivery["eventType"], delivery["state"], delivery["attemptCount"]) == ("call.completed", "succeeded", 2)
    assert delivery["tag"] == 2**64 - 1 and delivery["nextAttemptAt"] is None
    first, second = delivery["attempts"]
    assert (first["number"], first["status"], first["errorClass"], first["response"]) == \
        (1, 503, "http_status", "busy: come back")
    assert (second["number"], second["status"], second["errorClass"], second["response"]) == (2, 200, None, "thanks")
    assert delivery["createdAt"] <= first["startedAt"] < second["startedAt"] <= delivery["settledAt"]
    assert 0 < first["durationMs"] < 20_000


@pytest.mark.parametrize("body", [
    bytes(range(256)), b"\xff\xfe\x00<script>\"\\",
    b"\xe2\x80\xa8\xed\xa0\x80\xf0\x9f", b"\x1b[31m\r\n\x07", b"]}\",\"x\":1",
], ids=["every byte", "markup", "broken UTF-8", "terminal", "JSON"])
def test_hostile_bytes_in_an_answer_do_not_harm_the_log(engine, receivers, body):
    engine.webhook(receivers(Answer(200, body)).url())
    engine.push()
    outcome = engine.one()
    raw = engine.read("delivery_get", outcome.delivery_id)
    text = raw.decode()  # strict UTF-8
    assert not any(character < " " for character in text)
    assert json.loads(text)["attempts"][0]["response"] == body.decode(errors="replace")


def test_a_long_answer_is_cut(engines, receivers):
    engine = engines(responseBodyBytes=100)
    engine.webhook(receivers(Answer(200, b"x" * 1_000_000)).url())
    engine.push()
    outcome = engine.one()
    assert outcome.http_status == 200
    assert engine.delivery(outcome)["attempts"][0]["response"] == "x" * 100


def test_queries_narrow_and_page(engine, receivers):
    good, bad = engine.webhook(receivers().url()), engine.webhook(receivers(404).url(), ["call.placed"])
    ids = [engine.push(type="call.placed" if n % 2 else "call.expired") for n in range(10)]
    engine.settle(10)
    assert len(engine.deliveries()) == 15
    assert len(engine.deliveries(webhookId=bad["id"])) == 5
    assert {d["webhookId"] for d in engine.deliveries(state="failed")} == {bad["id"]}
    assert len(engine.deliveries(eventType="call.expired")) == 5
    assert sorted(d["webhookId"] for d in engine.deliveries(eventId=ids[1])) == sorted([good["id"], bad["id"]])
    pages, cursor = [], None
    while True:
        page = json.loads(engine.read("deliveries", {"limit": 4} | ({"cursor": cursor} if cursor else {})))
        pages.append([d["id"] for d in page["deliveries"]])
        cursor = page["cursor"]
        if cursor is None:
            break
    assert [len(page) for page in pages] == [4, 4, 4, 3]
    listed = [id for page in pages for id in page]
    assert listed == sorted(listed, reverse=True) and len(set(listed)) == 15
    with pytest.raises(Error, match="INVALID_DOCUMENT.*stat"):
        engine.deliveries(stat="failed")
    with pytest.raises(Error, match="NOT_FOUND"):
        engine.read("delivery_get", "dlv_" + "0" * 26)


def test_pending_deliveries_are_listed(engines, receivers):
    engine = engines(retry={"delaysSeconds": [600]})
    receiver = receivers(503)
    engine.webhook(receiver.url())
    engine.push()
    with pytest.raises(Error, match="TIMED_OUT"):
        engine.flush(0)
    receiver.wait(1)
    # The receiver has answered, the engine may not have read it yet.
    end = time.monotonic() + 10
    while not (waiting := [d for d in engine.deliveries(state="pending") if d["nextAttemptAt"]]):
        assert time.monotonic() < end
        time.sleep(0.005)
    (delivery,) = waiting
    assert delivery["attempts"][0]["status"] == 503 and delivery["settledAt"] is None
    assert delivery["nextAttemptAt"] > delivery["createdAt"]


def test_statistics_and_metrics_agree_with_what_happened(engine, receivers):
    engine.webhook(receivers(lambda r: 500 if r.attempt == 1 else 200).url())
    engine.webhook(receivers(404).url(), ["call.placed"])
    for kind in ["call.placed", "call.completed", "call.completed"]:
        engine.push(type=kind)
    engine.settle(3)
    stats = engine.stats()
    assert (stats["state"], stats["webhooks"], stats["queue"]["events"], stats["queue"]["bytes"]) == ("open", 2, 0, 0)
    assert stats["events"].items() >= {"accepted": 3, "unmatched": 0, "refused": 0, "unsettled": 0}.items()
    total = stats["deliveries"]
    assert (total["succeeded"], total["failed"], total["attempts"], total["retries"]) == (3, 1, 7, 3)
    assert (total["pending"], total["inFlight"], total["attemptsByErrorClass"]["http_status"]) == (0, 0, 4)

    families = list(text_string_to_metric_families(engine.text("engine_metrics_text")))
    assert all(family.name.startswith("martlet_") and family.documentation for family in families)
    samples = {(s.name, *sorted(s.labels.values())): s.value for family in families for s in family.samples}
    assert samples[("martlet_events_accepted_total",)] == 3
    assert samples[("martlet_deliveries_settled_total", "succeeded")] == 3
    assert samples[("martlet_deliveries_settled_total", "failed")] == 1
    assert samples[("martlet_attempts_total", "http_status")] == 4
    assert samples[("martlet_attempts_total", "none")] == 3
    assert samples[("martlet_retries_total",)] == 3
    assert samples[("martlet_queue_events",)] == 0
    assert samples[("martlet_attempt_duration_seconds_count",)] == 7
    (histogram,) = [f for f in families if f.name == "martlet_attempt_duration_seconds"]
    assert histogram.type == "histogram"
    buckets = [s.value for s in histogram.samples if s.name.endswith("_bucket")]
    assert buckets == sorted(buckets) and buckets[-1] == 7


def test_event_types_are_listed_with_samples(engines):
    engine = engines(eventTypes=["order.shipped"])
    types = {t["eventType"]: t for t in json.loads(engine.text("engine_event_types_json"))["eventTypes"]}
    assert len(types) == 12 and "order.shipped" in types
    assert types["call.completed"]["sample"]["callStatus"] == "completed"


def test_outcomes_can_be_off(engines, receiver):
    engine = engines(outcomes="off", queue={"maxEvents": 5})
    engine.webhook(receiver.url())
    for _ in range(4):
        for _ in range(5):
            engine.push()
        engine.flush(10_000)
    assert len(receiver.requests) == 20
    with pytest.raises(Error, match="WRONG_STATE"):
        engine.descriptor()
    with pytest.raises(Error, match="WRONG_STATE"):
        engine.poll()


@pytest.mark.parametrize("outcomes, kinds", [("deliveries", {DELIVERY}), ("events", {2})])
def test_outcomes_of_one_kind_only(engines, receiver, outcomes, kinds):
    engine = engines(outcomes=outcomes)
    engine.webhook(receiver.url())
    for _ in range(3):
        engine.push()
    seen = engine.outcomes(lambda seen: len(seen) >= 3)
    engine.flush(5000)
    assert {o.kind for o in seen} == kinds and len(seen) == 3 and engine.poll() == []
