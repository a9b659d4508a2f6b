"""Events for a newcomer to see things move, and the demo receivers' switch."""

from __future__ import annotations

import json
from typing import Any

import martlet
from flask import Flask, Response, abort, jsonify

from .demo import DemoReceivers
from .documents import body
from .hub import Hub

MAXIMUM_BURST = 10_000


def add_routes(app: Flask, engine: martlet.Engine, hub: Hub, demo: DemoReceivers) -> None:
    @app.post("/api/simulate")
    def push() -> Response:
        given = body()
        event_type, text, count = given.get("eventType"), given.get("data"), given.get("count", 1)
        if not isinstance(event_type, str) or not isinstance(text, str):
            abort(422, "eventType and data must be strings")
        if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= MAXIMUM_BURST:
            abort(422, f"count must be a whole number from 1 to {MAXIMUM_BURST}")
        key = given.get("key")
        if key is not None and not isinstance(key, str):
            abort(422, "key must be a string")
        try:
            json.loads(text)
        except ValueError as error:
            abort(422, f"data must be JSON: {error}")
        if count == 1:
            answer: dict[str, Any] = {"accepted": 1, "eventId": engine.push(event_type, text, key=key or None)}
        else:
            event = martlet.Event(event_type, text, key=key or None)
            answer = {"accepted": engine.push_many([event] * count).accepted}
        hub.tell("change", {"settled": 0})
        return jsonify(answer)

    @app.get("/api/demo")
    def demo_state() -> Response:
        return jsonify(demo.state())

    @app.post("/api/demo")
    def switch_demo() -> Response:
        enabled = body().get("enabled")
        if not isinstance(enabled, bool):
            abort(422, "enabled must be true or false")
        if enabled:
            demo.start()
        else:
            demo.stop(for_good=True)
        hub.tell("webhooks")
        return jsonify(demo.state())

    @app.get("/api/choices")
    def choices() -> Response:
        """Agents and workflows to choose from: those of the samples and of webhooks. Others can be typed."""
        agents, workflows = set(), set()
        for event_type in engine.event_types():
            if isinstance(event_type.sample, dict):
                agents.add(event_type.sample.get("agentId"))
                workflows.add(event_type.sample.get("workflowId"))
        for webhook in engine.webhooks.list(limit=1000).next_page():
            agents |= set(webhook.agents or ())
            workflows |= set(webhook.workflows or ())
        return jsonify(agents=sorted(agents - {None}), workflows=sorted(workflows - {None}))
