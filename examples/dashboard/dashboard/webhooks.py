"""Webhooks: list, add, edit, switch, test, rotate, delete."""

from __future__ import annotations

from typing import Any

import martlet
from flask import Flask, Response, abort, jsonify, request

from .documents import body, reason, shown, stored
from .hub import Hub

PAGE = 50
# How many webhooks a search looks through in one answer.
SEARCHED = 10_000


def add_routes(app: Flask, engine: martlet.Engine, hub: Hub) -> None:
    def with_results(webhook: martlet.Webhook) -> dict[str, Any]:
        return shown(webhook) | hub.results(webhook.id)

    @app.get("/api/webhooks")
    def list_webhooks() -> Response:
        text = request.args.get("text", "").strip().lower()
        query: dict[str, Any] = {"limit": 1000 if text else PAGE, "health": True}
        if cursor := request.args.get("cursor"):
            query["cursor"] = cursor
        pages = engine.webhooks.list(query)
        found: list[martlet.Webhook] = []
        looked_at = 0
        next_cursor: str | None = None
        while page := pages.next_page():
            looked_at += len(page)
            found += [webhook for webhook in page if text in webhook.url.lower() + " " + webhook.description.lower()]
            if len(found) > PAGE:
                del found[PAGE:]
                next_cursor = found[-1].id
                break
            next_cursor = pages.cursor
            if len(found) == PAGE or not text or looked_at >= SEARCHED:
                break
        return jsonify(
            webhooks=[with_results(webhook) for webhook in found],
            cursor=next_cursor,
            total=engine.stats()["webhooks"],
        )

    @app.get("/api/webhooks/names")
    def names() -> Response:
        """For choosing one; as many as a person can look through."""
        page = engine.webhooks.list(limit=1000).next_page()
        return jsonify([{"id": webhook.id, "name": webhook.description or webhook.url} for webhook in page])

    @app.post("/api/webhooks/check")
    def check() -> Response:
        return jsonify(reason=reason(engine, stored(body(), {})))

    @app.post("/api/webhooks")
    def create() -> tuple[Response, int]:
        webhook = engine.webhooks.create(stored(body(), {}))
        hub.tell("webhooks")
        # The only answer beside that of a rotation that holds a secret.
        return jsonify(webhook=with_results(webhook), secret=engine.webhooks.secrets(webhook.id)[0].secret), 201

    @app.get("/api/webhooks/<id>")
    def read_webhook(id: str) -> Response:
        found = engine.webhooks.list(id=id, health=True).next_page()
        if not found:
            abort(404, f"there is no webhook {id}")
        return jsonify(with_results(found[0]) | {"secrets": ends_of_secrets(id)})

    def ends_of_secrets(id: str) -> list[dict[str, Any]]:
        return [
            {"createdAt": secret.document["createdAt"], "expiresAt": secret.document["expiresAt"]}
            for secret in engine.webhooks.secrets(id)
        ]

    @app.put("/api/webhooks/<id>")
    def update(id: str) -> Response:
        webhook = engine.webhooks.update(id, stored(body(), engine.webhooks.get(id).headers))
        hub.tell("webhooks")
        return jsonify(with_results(webhook))

    @app.delete("/api/webhooks/<id>")
    def delete(id: str) -> Response:
        engine.webhooks.delete(id)
        hub.forget(id)
        hub.tell("webhooks")
        return jsonify({})

    @app.post("/api/webhooks/<id>/enabled")
    def switch(id: str) -> Response:
        enabled = body().get("enabled")
        if not isinstance(enabled, bool):
            abort(422, "enabled must be true or false")
        (engine.webhooks.enable if enabled else engine.webhooks.disable)(id)
        hub.tell("webhooks")
        return jsonify(with_results(engine.webhooks.get(id)))

    @app.post("/api/webhooks/<id>/test")
    def test(id: str) -> Response:
        sent = engine.webhooks.test(id, str(body().get("eventType", "")))
        return jsonify(deliveryId=sent.delivery_id, eventId=sent.event_id)

    @app.post("/api/webhooks/<id>/rotate")
    def rotate(id: str) -> Response:
        options = {key: value for key, value in body().items() if key == "overlapSeconds"}
        secrets = engine.webhooks.rotate_secret(id, options)
        return jsonify(secret=secrets[0].secret, secrets=ends_of_secrets(id))
