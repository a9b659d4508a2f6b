"""The web application: pages and their JSON interface."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import martlet
from flask import Flask, Response, jsonify, send_from_directory
from werkzeug.exceptions import HTTPException

from . import deliveries, simulate, webhooks
from .demo import DemoReceivers
from .hub import Hub
from .options import Options
from .overview import Overview
from .security import Guard, protect

#: Where Debian's libjs-chart.js puts the library that draws the charts.
CHARTS = Path(os.environ.get("CHART_JS", "/usr/share/javascript/chart.js/chart.min.js"))

STATUS = {
    "NOT_FOUND": 404, "WRONG_STATE": 409, "QUEUE_FULL": 503, "STORAGE_FULL": 507, "STORAGE": 500, "INTERNAL": 500,
    "CLOSED": 503, "TOO_LARGE": 413,
}  # fmt: skip


def create_app(
    options: Options, engine: martlet.Engine, hub: Hub, demo: DemoReceivers, token: str | None
) -> Flask:
    app = Flask(__name__)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    protect(app, Guard(options, token))
    overview = Overview(engine, hub)

    @app.get("/")
    def page() -> Response:
        return send_from_directory(str(Path(__file__).parent / "static"), "index.html")

    @app.get("/vendor/chart.js")
    def charts() -> Response:
        return send_from_directory(str(CHARTS.parent), CHARTS.name, mimetype="text/javascript", max_age=3600)

    @app.get("/api/about")
    def about() -> Response:
        return jsonify(
            version=martlet.library_version(), environment=options.environment, demo=demo.state(),
            eventTypes=[
                {"name": type.name, "title": type.title, "category": type.category, "description": type.description,
                 "sample": type.sample}
                for type in engine.event_types()
            ],
        )  # fmt: skip

    @app.get("/api/overview")
    def numbers() -> Response:
        return jsonify(overview.document())

    @app.get("/api/live")
    def live() -> Response:
        return Response(hub.stream(), mimetype="text/event-stream", headers={"X-Accel-Buffering": "no"})

    webhooks.add_routes(app, engine, hub)
    deliveries.add_routes(app, engine, hub)
    simulate.add_routes(app, engine, hub, demo)

    @app.errorhandler(martlet.Error)
    def refused(error: martlet.Error) -> tuple[Response, int]:
        # The library's own words: they name the key and what is accepted, and never show a secret.
        return jsonify(error=error.text, code=error.name), STATUS.get(error.name, 422)

    @app.errorhandler(HTTPException)
    def failed(error: HTTPException) -> tuple[Any, int]:
        return jsonify(error=error.description), error.code or 500

    return app
