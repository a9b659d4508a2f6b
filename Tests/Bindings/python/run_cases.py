"""Runs the shared cases, cases.json, through the Python binding. MARTLET_RECEIVER is the receiver's base URL."""

import itertools
import json
import os
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import Any, Optional

import martlet
from steps import Mismatch, check, fill

RECEIVER = os.environ["MARTLET_RECEIVER"]
CASES = Path(__file__).parent.parent / "cases.json"
KINDS = {"webhook_disabled": "webhookDisabled"}


class LateError(martlet.Error):
    """What the format calls an error, and Python tells by False."""

    def __init__(self) -> None:
        super().__init__(0, "TIMED_OUT", "")


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


class Run:
    """One case: an engine at a time, and an operation of the format for each method."""

    engine: Optional[martlet.Engine] = None

    def opened(self) -> martlet.Engine:
        assert self.engine is not None, "the case has not opened an engine"
        return self.engine

    def open(self, configuration: Any) -> None:
        if self.engine is not None:
            self.engine.free()
        self.engine = martlet.Engine(configuration)

    def beside(self, configuration: Any) -> None:
        martlet.Engine(configuration).free()

    def create(self, webhook: Any) -> Any:
        return self.opened().webhooks.create(webhook).document

    def get(self, id: str) -> Any:
        return self.opened().webhooks.get(id).document

    def list(self, query: Any) -> Any:
        return {"webhooks": [webhook.document for webhook in self.opened().webhooks.list(query)]}

    def check(self, arguments: Any) -> None:
        self.opened().webhooks.check(arguments[1], id=arguments[0])

    def update(self, arguments: Any) -> Any:
        return self.opened().webhooks.update(*arguments).document

    def delete(self, id: str) -> None:
        self.opened().webhooks.delete(id)

    def enable(self, id: str) -> None:
        self.opened().webhooks.enable(id)

    def disable(self, id: str) -> None:
        self.opened().webhooks.disable(id)

    def secrets(self, id: str) -> Any:
        return {"secrets": [secret.document for secret in self.opened().webhooks.secrets(id)]}

    def rotate(self, arguments: Any) -> Any:
        return {"secrets": [secret.document for secret in self.opened().webhooks.rotate_secret(*arguments)]}

    def test(self, arguments: Any) -> Any:
        id, request = arguments
        return self.opened().webhooks.test(id, request["eventType"], request.get("data")).document

    def push(self, event: Any) -> Any:
        return {"id": self.opened().push(event["type"], event["data"], event.get("tag", 0))}

    def push_text(self, event: Any) -> Any:
        return {"id": self.opened().push(event["type"], event["text"].encode())}

    def push_until(self, step: Any) -> None:
        for _ in range(step["most"]):
            self.opened().push(step["type"], json.dumps("x" * step["bytes"]))

    def push_many(self, events: Any) -> Any:
        return self.opened().push_many(events)._asdict()

    def add_type(self, event_type: Any) -> None:
        self.opened().add_event_type(event_type)

    def event_types(self, _: None) -> Any:
        return {"eventTypes": [event_type.document for event_type in self.opened().event_types()]}

    def flush(self, milliseconds: int) -> None:
        if not self.opened().flush(milliseconds / 1000):
            raise LateError

    def close(self, milliseconds: int) -> None:
        if not self.opened().close(milliseconds / 1000):
            raise LateError

    def outcomes(self, count: int) -> Any:
        taken = [
            {
                "kind": KINDS.get(outcome.kind, outcome.kind),
                "state": outcome.state,
                "eventId": outcome.event_id,
                "deliveryId": outcome.delivery_id,
                "webhookId": outcome.webhook_id,
                "tag": outcome.tag,
                "attempts": outcome.attempts,
                "httpStatus": outcome.http_status,
                "failure": camel(outcome.failure or "none"),
            }
            for outcome in itertools.islice(self.opened().outcomes(timeout=20), count)
        ]
        if len(taken) < count:
            raise Mismatch(f"{len(taken)} outcomes came, not {count}: {taken}")
        return sorted(taken, key=lambda outcome: (outcome["kind"], outcome["eventId"], outcome["deliveryId"]))

    def deliveries(self, query: Any) -> Any:
        return {"deliveries": [delivery.document for delivery in self.opened().deliveries(query)]}

    def delivery(self, id: str) -> Any:
        return self.opened().delivery(id).document

    def redeliver(self, id: str) -> Any:
        return {"id": self.opened().redeliver(id)}

    def replay(self, query: Any) -> Any:
        return self.opened().replay(query).document

    def cancel(self, id: str) -> None:
        self.opened().cancel(id)

    def cancel_all(self, query: Any) -> Any:
        return {"canceled": self.opened().cancel_all(query)}

    def received(self, path: str) -> Any:
        with urllib.request.urlopen(f"{RECEIVER}/requests{path}") as answer:
            return {"requests": json.load(answer)}

    def stats(self, _: None) -> Any:
        return self.opened().stats()

    def metrics(self, _: None) -> Any:
        return {"text": self.opened().metrics()}

    def sign(self, request: Any) -> Any:
        return {"signature": martlet.sign(request["secret"], request["id"], request["timestamp"], request["body"])}

    def verify(self, request: Any) -> None:
        headers = {f"Webhook-{name.title()}": request[name] for name in ("id", "timestamp", "signature")}
        martlet.verify(
            request["secret"], headers, request["body"], tolerance=request["toleranceSeconds"], now=request.get("now")
        )


def run_case(case: Any) -> None:
    """Raises what is wrong."""
    run = Run()
    folder = tempfile.TemporaryDirectory(prefix="martlet-case-")
    saved: dict[str, Any] = {"receiver": RECEIVER, "directory": folder.name + "/journal"}
    try:
        for number, written in enumerate(case["steps"], 1):
            step = fill(written, saved)
            (operation,) = set(step) - {"save", "expect", "error"}
            try:
                run_step(run, step, operation, saved)
            except Exception as error:
                raise Mismatch(f"step {number}, {operation}: {error!r}") from error
    finally:
        if run.engine is not None:
            run.engine.close(0)
            run.engine.free()
        folder.cleanup()


def run_step(run: Run, step: Any, operation: str, saved: dict[str, Any]) -> None:
    method = getattr(run, "".join("_" + letter.lower() if letter.isupper() else letter for letter in operation))
    expected = step.get("error")
    try:
        result = method(step[operation])
    except martlet.Error as error:
        if expected is None or error.name != expected["name"] or expected.get("contains", "") not in error.text:
            raise
        return
    if expected is not None:
        raise Mismatch(f"did not fail, but gave {result!r}")
    if "expect" in step:
        check(step["expect"], result)
    if "save" in step:
        saved[step["save"]] = result


def main() -> int:
    passed = failed = 0
    for case in json.loads(CASES.read_text())["cases"]:
        try:
            run_case(case)
        except Exception as error:
            failed += 1
            print(f"not ok {case['name']} ({error})")
        else:
            passed += 1
            print(f"ok {case['name']}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
