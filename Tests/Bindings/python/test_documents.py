"""What goes in and comes out: configuration, webhooks, events, errors."""

import dataclasses
import enum
import json
import pickle
import re
import typing
import uuid
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

import martlet
from conftest import ROOT, Receiver
from martlet import _errors, _json, _keys, _library

REFERENCE = (ROOT / "Sources/Martlet/Martlet.docc/Configuration.md").read_text()
HEADER = (ROOT / "include/martlet.h").read_text()


def section(title: str) -> set[str]:
    """The keys at the top of a table of the configuration reference, in snake_case."""
    text = REFERENCE.split(f"\n## {title}\n")[1].split("\n## ")[0]
    names = {row.split(".")[0] for row in re.findall(r"^\| `([a-zA-Z.]+)` \|", text, re.M)}
    return {re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), name) for name in names}


def test_versions_are_those_of_the_header() -> None:
    number = re.search(r"#define MARTLET_VERSION_NUMBER 0x([0-9a-f]+)", HEADER)
    assert number and int(number[1], 16) == _library.HEADER_VERSION
    assert f'#define MARTLET_VERSION "{martlet.__version__}"' in HEADER
    assert f'version = "{martlet.__version__}"' in (ROOT / "bindings/python/pyproject.toml").read_text()
    assert martlet.library_version() == martlet.__version__


@pytest.mark.parametrize(
    ("library", "header", "fits"),
    [(0x100, 0x100, True), (0x234, 0x100, True), (0x0FF, 0x100, False), (0x10100, 0x100, False)],
)
def test_a_library_that_does_not_fit_is_refused(library: int, header: int, fits: bool) -> None:
    if fits:
        _library.check_version(library, header)
    else:
        with pytest.raises(ImportError, match="install the package again"):
            _library.check_version(library, header)


def test_keywords_know_every_key_of_the_reference() -> None:
    assert section("Engine configuration") <= set(typing.get_type_hints(_keys.EngineKeys))
    made_by_martlet = {"id", "disabled", "created_at", "updated_at"}
    assert section("Webhook") - made_by_martlet == set(typing.get_type_hints(_keys.WebhookKeys))
    event = {"event_type", *martlet.Event.__dataclass_fields__} - {"type"}
    assert section("Event") == event


def test_configuration_as_keywords_mapping_and_ready_json() -> None:
    for engine in (
        martlet.Engine(environment="development", max_in_flight=7),
        martlet.Engine({"environment": "development", "maxInFlight": 7}),
        martlet.Engine({"environment": "development"}, max_in_flight=7),
        martlet.Engine('{"environment":"development","maxInFlight":7}'),
        martlet.Engine(b'{"environment":"development"}'),
    ):
        with engine:
            assert engine.webhooks.create(url="http://127.0.0.1:1/", events=["*"]).enabled
    with pytest.raises(TypeError, match="not both"):
        martlet.Engine("{}", lanes=1)
    with martlet.Engine() as engine, pytest.raises(martlet.InvalidDocumentError):
        engine.webhooks.create(url="http://example.com/", events=["*"])


def test_errors_have_code_name_and_text() -> None:
    with pytest.raises(martlet.InvalidDocumentError) as caught:
        martlet.Engine(max_inflight=7)  # type: ignore[call-arg]
    error = caught.value
    assert isinstance(error, ValueError)
    assert error.code == -3 and error.name == "INVALID_DOCUMENT"
    assert error.text == 'unknown key "maxInflight"; did you mean "maxInFlight"?'
    assert str(error) == f"INVALID_DOCUMENT: {error.text}"
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), copy.code, copy.text) == (type(error), error.code, error.text)


def test_each_status_has_its_class_and_an_unknown_one_is_an_error() -> None:
    names = dict(re.findall(r"#define MARTLET_(?:ERROR_)?([A-Z_]+) \(?(-?\d+)\)?$", HEADER, re.M))
    assert {int(names[name]): name for name in martlet.STATUS_NAMES.values()} == martlet.STATUS_NAMES
    for code, name in martlet.STATUS_NAMES.items():
        if code:
            assert type(_errors.failure(code)) is not martlet.Error, name
            assert _errors.failure(code).text
    unknown = _errors.failure(-99, b"new")
    assert type(unknown) is martlet.Error and (unknown.code, unknown.name, unknown.text) == (-99, "UNKNOWN", "new")


def test_a_webhook_as_keywords_and_its_whole_document(engine: martlet.Engine) -> None:
    before = datetime.now(timezone.utc) - timedelta(seconds=1)
    hook = engine.webhooks.create(
        url="http://127.0.0.1:1/", events=("call.*",), timeout_ms=400, headers={"Authorization": "Bearer 6f1c"}
    )
    assert hook.events == ["call.*"] and hook.agents is None and hook.disabled is None
    assert before < hook.created_at <= hook.updated_at
    assert hook.document["timeoutMs"] == 400
    assert hook == engine.webhooks.get(hook.id)
    assert "6f1c" not in repr(hook)
    changed = engine.webhooks.update(hook.id, description="new", timeout_ms=None)
    assert changed.description == "new" and "timeoutMs" not in changed.document
    assert engine.webhooks.update(hook.id, '{"events":["*"]}').events == ["*"]
    engine.webhooks.disable(hook.id)
    assert (engine.webhooks.get(hook.id).disabled or {})["reason"] == "host"


def test_secrets_do_not_show(engine: martlet.Engine) -> None:
    hook = engine.webhooks.create(url="http://127.0.0.1:1/", events=["*"])
    (first,) = engine.webhooks.secrets(hook.id)
    new, old = engine.webhooks.rotate_secret(hook.id, overlap_seconds=60)
    assert old.secret == first.secret and old.expires_at is not None and new.expires_at is None
    assert old.expires_at - new.created_at <= timedelta(seconds=61)
    assert first.secret not in repr(engine.webhooks.secrets(hook.id))


def test_listings_page_by_page(engine: martlet.Engine) -> None:
    ids = [engine.webhooks.create(url="http://127.0.0.1:1/", events=["*"]).id for _ in range(5)]
    assert [hook.id for hook in engine.webhooks.list()] == ids
    pages = engine.webhooks.list(limit=2)
    assert [hook.id for hook in pages.next_page()] == ids[:2]
    later = engine.webhooks.list(limit=2, cursor=pages.cursor)
    assert [hook.id for hook in later.next_page()] == ids[2:4]
    assert next(later).id == ids[4]
    assert later.cursor is None and later.next_page() == [] and list(later) == []


@pytest.mark.parametrize(
    ("data", "body"),
    [
        ({"n": 1, "text": "Köln", "time": datetime(2025, 1, 1, tzinfo=timezone.utc)}, None),
        ([1, None, 2.5], "[1,null,2.5]"),
        (7, "7"),
        (None, "null"),
        ('{ "ready" : 1.0 }', '{ "ready" : 1.0 }'),
        (b'"\xc3\xbc"', '"ü"'),
        (bytearray(b"[ ]"), "[ ]"),
        (memoryview(b"{\n}"), "{\n}"),
    ],
)
def test_data_native_and_ready(engine: martlet.Engine, receiver: Receiver, path: str, data: Any, body: Any) -> None:
    path = f"{path.split('-')[0]}/{abs(hash(repr(data)))}"
    engine.webhooks.create(url=receiver.url + path, events=["*"], payload_format="raw")
    engine.push("call.placed", data)
    assert engine.flush(10)
    (request,) = receiver.got(path)
    assert request["body"] == (body or '{"n":1,"text":"Köln","time":"2025-01-01T00:00:00+00:00"}')


def test_data_that_is_no_json_value(engine: martlet.Engine) -> None:
    for data in (object(), {"a": {1, "x"}}):
        with pytest.raises(TypeError):
            engine.push("call.placed", data)
    with pytest.raises(ValueError, match="time zone"):
        engine.push("call.placed", datetime(2025, 1, 1))
    with pytest.raises(martlet.InvalidJSONError, match="line 1, column"):
        engine.push("call.placed", float("nan"))
    for tag in (-1, 2**64):
        with pytest.raises(ValueError, match="tag"):
            engine.push("call.placed", 1, tag)


def test_an_event_with_fields_of_its_own(engine: martlet.Engine, receiver: Receiver, path: str) -> None:
    engine.webhooks.create(url=receiver.url + path, events=["*"], tenant="acme")
    time = datetime(2025, 12, 8, 10, 30, tzinfo=timezone(timedelta(hours=1)))
    own = engine.push(
        "call.placed", b'{"a":\n1}', 2**64 - 1, id="own-1", created_at=time, tenant="acme", key="k",
        expiry_seconds=60, headers={"traceparent": "00-1"},
    )  # fmt: skip
    made = engine.push("call.placed", {}, tenant="acme")
    assert own == "own-1" and made.startswith("evt_")
    assert engine.push("call.placed", b'{"a":1}', id="own-1") == "own-1", "a duplicate is no error"
    delivery, event, *_ = sorted(engine.outcomes(timeout=0.5), key=lambda outcome: outcome.tag, reverse=True)
    assert delivery.tag == event.tag == 2**64 - 1
    first, second = sorted(receiver.got(path), key=lambda request: str(request["headers"]["webhook-id"] != own))
    assert first["headers"]["traceparent"] == "00-1"
    assert first["json"] == {"eventType": "call.placed", "createdAt": "2025-12-08T10:30:00+01:00", "data": {"a": 1}}
    assert second["headers"]["webhook-id"] == made


def test_ready_data_cannot_bring_fields_of_its_own(engine: martlet.Engine) -> None:
    for data in ('1,"tenant":"other"', '1}\n{"eventType":"call.placed","data":2', b"\xff", ""):
        with pytest.raises(ValueError):
            engine.push_many([martlet.Event("call.placed", data)])
        with pytest.raises(ValueError):
            engine.push("call.placed", data, key="k")
    assert engine.stats()["events"]["accepted"] == 0


def test_push_many_takes_events_documents_and_ready_lines(engine: martlet.Engine) -> None:
    document = {"eventType": "call.placed", "data": 2, "id": "many-2"}
    events: list[Any] = [
        martlet.Event("call.placed", {"n": 1}, tag=5, id="many-1"),
        document,
        '{"eventType":"call.placed","data":3}',
        b'{"eventType":"call.placed","data":4}',
    ]
    assert engine.push_many(events) == martlet.Pushed(4, 0)
    assert engine.push_many(iter([document])) == (0, 1)
    assert (
        engine.push_many('{"eventType":"call.placed","data":3}\n\n{"eventType":"call.placed","data":3}').accepted == 2
    )
    assert engine.push_many([]) == (0, 0)
    with pytest.raises(martlet.UnknownEventTypeError, match="line 3") as caught:
        engine.push_many([document, martlet.Event("call.placed", 1), martlet.Event("call.place", 1)])
    assert (caught.value.accepted, caught.value.duplicates) == (1, 1)


def test_event_types(engine: martlet.Engine) -> None:
    engine.add_event_type("order.shipped", title="Order shipped", sample={"id": 1})
    engine.add_event_type({"name": "order.lost"})
    types = {event_type.name: event_type for event_type in engine.event_types()}
    assert types["order.shipped"].title == "Order shipped" and types["order.shipped"].sample == {"id": 1}
    assert "order.lost" in types and types["call.completed"].category == "call"


def test_deliveries_by_query(engine: martlet.Engine, receiver: Receiver, path: str) -> None:
    hook = engine.webhooks.create(url=receiver.url + path, events=["*"])
    began = datetime.now(timezone.utc) - timedelta(seconds=1)
    engine.push("call.placed", {"n": 1}, tag=3)
    assert engine.flush(10)
    (listed,) = engine.deliveries(webhook_id=hook.id, created_after=began)
    assert listed.state == "succeeded" and listed.tag == 3 and listed.payload is None
    assert listed.settled_at is not None and listed.attempts[0].status == 200 and listed.attempts[0].duration_ms > 0
    whole = engine.delivery(listed.id)
    assert whole.payload is not None and json.loads(whole.payload)["data"] == {"n": 1}
    assert list(engine.deliveries(created_before=began)) == []
    replay = engine.replay(state="any", per_second=1000)
    assert (replay.replayed, replay.skipped) == (1, 0)


def test_keys_are_spelled_as_in_the_documents() -> None:
    assert _json.camel("max_in_flight_per_webhook") == "maxInFlightPerWebhook"
    assert _json.camel("url") == "url" and _json.camel("timeoutMs") == "timeoutMs"


def test_wrong_types_are_told_as_python_does(engine: martlet.Engine) -> None:
    wrong: Any = None
    mistakes: list[tuple[Callable[[], object], str]] = [
        (lambda: engine.push(wrong, {}), "type must be a str, not NoneType"),
        (lambda: engine.push(b"call.placed", {}), "type must be a str, not bytes"),  # type: ignore[arg-type]
        (lambda: engine.push("call.placed", {}, "7"), "tag must be an int, not str"),  # type: ignore[arg-type]
        (lambda: engine.push("call.placed", {}, 1.5), "tag must be an int, not float"),  # type: ignore[arg-type]
        (lambda: engine.push("call.placed", {}, wrong), "tag must be an int, not NoneType"),
        (lambda: engine.push("call.placed", object()), "object is not a JSON value"),
        (lambda: engine.webhooks.get(wrong), "id must be a str, not NoneType"),
        (lambda: engine.webhooks.delete(7), "id must be a str, not int"),  # type: ignore[arg-type]
        (lambda: engine.push_many({"eventType": "call.placed"}), "push_many takes many events"),
        (lambda: engine.push_many(martlet.Event("call.placed", 1)), "push_many takes many events"),  # type: ignore[arg-type]
        (lambda: engine.log_to("martlet"), "must be a logging.Logger, not str"),  # type: ignore[arg-type]
        (lambda: martlet.verify(wrong, {}, b""), "the secret must be a str"),
        (lambda: martlet.verify("s", {}, {"a": 1}), "the body must be str or bytes"),  # type: ignore[arg-type]
        (lambda: engine.redeliver(wrong), "id must be a str, not NoneType"),
        (lambda: engine.delivery(wrong), "id must be a str, not NoneType"),
    ]
    for call, what in mistakes:
        with pytest.raises(TypeError, match=what):
            call()
    assert engine.push("call.placed", {}, True)


def test_paths_may_be_path_objects(tmp_path: Path) -> None:
    directory = tmp_path / "journal"
    with martlet.Engine(data_directory=directory) as engine:
        assert engine.stats()["journal"]["recovery"]["events"] == 0
        with pytest.raises(martlet.InUseError, match="dataDirectory"):
            martlet.Engine(data_directory=str(directory))
    assert directory.is_dir()
    (tmp_path / "file").write_text("")
    with pytest.raises(martlet.StorageError, match="file"):
        martlet.Engine(data_directory=tmp_path / "file")


def test_values_of_the_standard_library_are_written_as_one_expects(
    engine: martlet.Engine, receiver: Receiver, path: str
) -> None:
    class Color(enum.Enum):
        RED = "red"

    @dataclasses.dataclass
    class Call:
        id: uuid.UUID
        color: Color
        day: date
        more: "list[Call]"

    engine.webhooks.create(url=receiver.url + path, events=["*"], payload_format="raw")
    number = uuid.UUID(int=7)
    inner = Call(number, Color.RED, date(2026, 1, 2), [])
    engine.push("call.placed", Call(number, Color.RED, date(2026, 1, 2), [inner]))
    assert engine.flush(20)
    plain = {"id": str(number), "color": "red", "day": "2026-01-02"}
    assert receiver.got(path)[0]["json"] == {**plain, "more": [{**plain, "more": []}]}


def test_ready_data_that_is_no_json_is_told_as_such(engine: martlet.Engine) -> None:
    deep = "[" * 100_000 + "]" * 100_000
    for data in ("hello", "", '1,"tenant":"t"', b"\xff", deep):
        with pytest.raises(martlet.InvalidJSONError):
            engine.push("call.placed", data, id="own")
        with pytest.raises(martlet.InvalidJSONError):
            engine.push_many([martlet.Event("call.placed", data)])


def test_times_that_are_no_numbers_and_the_repr(engine: martlet.Engine) -> None:
    for wait in (engine.flush, engine.close):
        with pytest.raises(ValueError, match="nan"):
            wait(float("nan"))
    assert repr(engine) == "<martlet.Engine open>"
    engine.close()
    assert repr(engine) == "<martlet.Engine closed>"
    engine.free()
    assert repr(engine) == "<martlet.Engine closed>"
