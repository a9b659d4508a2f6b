"""Webhooks between the page's form and the library's documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import martlet
from flask import abort, request

#: What the form can set; everything else of a webhook stays as it is.
KEYS = (
    "url", "description", "events", "agents", "workflows", "timeoutMs", "retry", "rateLimit", "ordering", "payloadFormat",
)  # fmt: skip


def body() -> dict[str, Any]:
    """The request's JSON object."""
    given = request.get_json(silent=True)
    if not isinstance(given, dict):
        abort(400, "the request must be a JSON object")
    return given


def shown(webhook: martlet.Webhook) -> dict[str, Any]:
    """A webhook as the page gets it. Header values may be credentials: their names alone leave the server."""
    document = dict(webhook.document)
    document["headers"] = sorted(document["headers"])
    # Says nothing to a person, and may hold what the host keeps for itself.
    document["demo"] = document.pop("metadata", {}).get("demo")
    return document


def stored(form: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
    """The document of what a form holds. `headers` are the present ones, for those whose value was left as it is."""
    document = {key: form[key] for key in KEYS if key in form}
    if "headers" in form:
        document["headers"] = _headers(form["headers"], headers)
    return document


def _headers(rows: Any, present: Mapping[str, str]) -> dict[str, str]:
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        abort(422, "headers must be an array of objects with name and value")
    headers: dict[str, str] = {}
    for row in rows:
        name, value = row.get("name"), row.get("value")
        if not isinstance(name, str):
            abort(422, "headers must be an array of objects with name and value")
        if name in headers:
            abort(422, f"headers has {name} twice")
        if value is None:
            if name not in present:
                abort(422, f"headers: {name} needs a value")
            value = present[name]
        headers[name] = value
    return headers


def reason(engine: martlet.Engine, document: Mapping[str, Any]) -> str | None:
    """Why the library would not take a webhook, in its own words; None where it would. Nothing is registered."""
    try:
        engine.webhooks.check({"events": ["*"], **document})
    except martlet.Error as error:
        return error.text
    return None
