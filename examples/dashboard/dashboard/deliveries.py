"""The delivery log: list, details, redeliver, replay, cancel."""

from __future__ import annotations

import json
import re
from typing import Any

import martlet
from flask import Flask, Response, jsonify, request

from .documents import body
from .hub import Hub

PAGE = 50
FILTERS = ("state", "webhookId", "eventType", "eventId", "createdAfter", "createdBefore", "cursor")
# Names of headers whose values are credentials.
SECRET = re.compile(r"auth|cookie|key|password|secret|signature|token", re.IGNORECASE)


def query(given: Any, *, more: tuple[str, ...] = ()) -> dict[str, Any]:
    return {key: given[key] for key in (*FILTERS, *more) if given.get(key) not in (None, "")}


def add_routes(app: Flask, engine: martlet.Engine, hub: Hub) -> None:
    def name(webhook: str, known: dict[str, str | None]) -> str | None:
        if webhook not in known:
            try:
                found = engine.webhooks.get(webhook)
                known[webhook] = found.description or found.url
            except martlet.NotFoundError:
                known[webhook] = None
        return known[webhook]

    @app.get("/api/deliveries")
    def list_deliveries() -> Response:
        pages = engine.deliveries(query(request.args) | {"limit": PAGE})
        known: dict[str, str | None] = {}
        return jsonify(
            deliveries=[_row(delivery, name(delivery.webhook_id, known)) for delivery in pages.next_page()],
            cursor=pages.cursor,
        )

    @app.get("/api/deliveries/<id>")
    def read_delivery(id: str) -> Response:
        delivery = engine.delivery(id)
        try:
            webhook = engine.webhooks.get(delivery.webhook_id)
        except martlet.NotFoundError:
            webhook = None
        return jsonify(
            dict(delivery.document)
            | {
                "webhook": webhook and (webhook.description or webhook.url),
                "url": webhook and webhook.url,
                "payload": delivery.payload,
                "payloadPretty": _pretty(delivery.payload),
                "headers": _headers(delivery, webhook),
            }
        )

    @app.post("/api/deliveries/<id>/redeliver")
    def redeliver(id: str) -> Response:
        new = engine.redeliver(id)
        hub.tell("change", {"settled": 0})
        return jsonify(deliveryId=new)

    @app.post("/api/deliveries/<id>/cancel")
    def cancel(id: str) -> Response:
        engine.cancel(id)
        return jsonify({})

    @app.post("/api/replay")
    def replay() -> Response:
        done = engine.replay(query(body(), more=("perSecond",)))
        hub.tell("change", {"settled": 0})
        return jsonify(dict(done.document))


def _row(delivery: martlet.Delivery, webhook: str | None) -> dict[str, Any]:
    """A line of the list: the last attempt stands for all."""
    document = dict(delivery.document)
    attempts = document.pop("attempts")
    document["webhook"] = webhook
    document["last"] = attempts[-1] if attempts else None
    return document


def _pretty(payload: str | None) -> str | None:
    if payload is None:
        return None
    try:
        return json.dumps(json.loads(payload), indent=2, ensure_ascii=False)
    except ValueError:
        return payload


def _headers(delivery: martlet.Delivery, webhook: martlet.Webhook | None) -> list[dict[str, Any]]:
    """What each request carries. Signatures and the webhook's own values are credentials and stay here."""
    started = [int(attempt.started_at.timestamp()) for attempt in delivery.attempts]
    headers = [
        {"name": "content-type", "value": "application/json"},
        {"name": "webhook-id", "value": delivery.event_id},
        {"name": "webhook-timestamp", "value": ", ".join(map(str, started)) or None},
        {"name": "webhook-signature", "value": None},
    ]
    if delivery.test:
        headers.append({"name": "webhook-test", "value": "true"})
    # Values that look like credentials stay here too.
    headers += [
        {"name": name, "value": None if SECRET.search(name) else value}
        for name, value in (delivery.event_headers or {}).items()
    ]
    if webhook is not None:
        headers += [{"name": name, "value": None} for name in webhook.headers]
    return headers
