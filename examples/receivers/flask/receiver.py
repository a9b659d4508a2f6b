"""A receiver for real use, in Flask: lets only signed requests in, takes each event once, answers, then works.

  python receiver.py [USE CASE...]    any of crm, notify, analytics, followup; without one, the work is printed

It answers
  200  stored, or stored before ("duplicate": true)
  400  signed, but not an event          401  no valid signature          413  too large
  429  too many requests of one sender, with Retry-After                  503  cannot be stored now
A sender tries again after 429 and 503. What was answered with 200 is worked on, also after a crash: see inbox.py.

Environment:
  WEBHOOK_SECRET  the webhook's secret, whsec_...; while it is being rotated the new and the old one, a space between
  PORT            the port on 127.0.0.1 (3000); 0 takes a free one
  DATABASE        the SQLite file (receiver.sqlite)
  RATE_LIMIT      requests of one sender, as Flask-Limiter writes it (100 per minute)
  BODY_LIMIT      the largest body in bytes (1048576)
"""

import importlib
import json
import logging
import math
import os
import re
import signal
import sqlite3
import sys
import time
from datetime import datetime, timezone

import limits
import waitress
from flask import Flask, jsonify, request
from flask_limiter import Limiter, RateLimitExceeded
from flask_limiter.util import get_remote_address
from werkzeug.exceptions import BadRequest, HTTPException, ServiceUnavailable, Unauthorized

import signature
from inbox import Event, Inbox
from usecases import USE_CASES
from worker import Worker

EVENT_TYPE = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*")


def create_app(inbox, wake, secrets, rate_limit, body_limit):
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = body_limit
    # Before all else, since it is the cheapest. A fixed window, so that whoever waits for its end finds room.
    limiter = Limiter(
        get_remote_address, app=app, default_limits=[rate_limit], strategy="fixed-window", storage_uri="memory://"
    )

    @app.route("/subverse/webhook", methods=["POST"])
    def webhook():
        body = request.get_data()
        if not signature.is_genuine(secrets, request.headers, body):
            raise Unauthorized("bad signature")
        event = parse(request.headers["webhook-id"], body)
        try:
            is_new = inbox.store(event)
        except sqlite3.Error as error:
            say(f"cannot store {event.id}: {error}")
            raise ServiceUnavailable("cannot be stored now, try again") from None
        except RecursionError:
            raise BadRequest("data is nested too deeply") from None
        answer = {"received": True, "eventType": event.type}
        response = jsonify(answer if is_new else answer | {"duplicate": True})
        # The work starts when the answer is out.
        response.call_on_close(wake)
        return response

    @app.errorhandler(HTTPException)
    def tell(error):
        response = error.get_response()
        response.data = json.dumps({"error": error.description})
        response.content_type = "application/json"
        if isinstance(error, RateLimitExceeded):
            # Rounded up, unlike Flask-Limiter's own header: whoever comes back then finds a new window.
            wait = math.ceil(limiter.current_limit.reset_at - time.time())
            response.headers["Retry-After"] = str(max(1, wait))
        return response

    return app


def parse(event_id, body):
    """The event in a body. Raises BadRequest, which names what is wrong."""
    try:
        document = json.loads(body, parse_constant=refuse)
    except (ValueError, RecursionError):
        raise BadRequest("the body is not JSON") from None
    if not isinstance(document, dict):
        raise BadRequest("the body must be a JSON object")
    event_type, created_at, data = (document.get(name) for name in ("eventType", "createdAt", "data"))
    if not isinstance(event_type, str) or not EVENT_TYPE.fullmatch(event_type):
        raise BadRequest("eventType must be words of letters, digits and underscores with dots between")
    try:
        # One form for all, so that they can be compared as text.
        moment = datetime.fromisoformat(created_at).astimezone(timezone.utc).isoformat(timespec="microseconds")
    except (TypeError, ValueError, OverflowError):
        raise BadRequest("createdAt must be a time such as 2025-12-08T10:30:00Z") from None
    if not isinstance(data, dict):
        raise BadRequest("data must be an object")
    return Event(event_id, event_type, moment, data)


def refuse(constant):
    raise ValueError(f"{constant} is not JSON")


def say(text):
    print(f"  [receiver] {text}\n".encode(errors="replace").decode(), end="", flush=True)


def number(name, default, least, most):
    text = os.environ.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 11 and least <= int(text) <= most):
        raise ValueError(f"{name} must be a whole number from {least} to {most}, not {text!r}")
    return int(text)


def run(tasks, schemas=()):
    """Serves until SIGINT or SIGTERM."""
    try:
        secrets = os.environ.get("WEBHOOK_SECRET", "").split()
        signature.keys(secrets)
        rate_limit = os.environ.get("RATE_LIMIT", "100 per minute")
        limits.parse_many(rate_limit)
        port, body_limit = number("PORT", 3000, 0, 65535), number("BODY_LIMIT", 1 << 20, 1, 1 << 30)
        inbox = Inbox(os.environ.get("DATABASE", "receiver.sqlite"), tasks, schemas)
    except (ValueError, RuntimeError, sqlite3.Error, OSError) as error:
        sys.exit(f"receiver: {error}; the environment is described in {__file__}")
    worker = Worker(inbox, tasks, say)
    app = create_app(inbox, worker.wake, secrets, rate_limit, body_limit)
    # A burst that waits for a thread is nothing to complain of.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    server = waitress.create_server(
        app, host="127.0.0.1", port=port, max_request_body_size=body_limit, ident=None
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    worker.start()
    say(f"listening on port {server.effective_port}")
    try:
        server.run()
    finally:
        worker.stop()
        inbox.close()


if __name__ == "__main__":
    names = sys.argv[1:] or ["log"]
    if unknown := sorted(set(names) - {*USE_CASES, "log"}):
        sys.exit(f"receiver: no use case {', '.join(unknown)}; there are {', '.join(USE_CASES)}")
    modules = {name: importlib.import_module(f"usecases.{name}") for name in names}
    for module in modules.values():
        if missing := [name for name in getattr(module, "ENVIRONMENT", ()) if name not in os.environ]:
            sys.exit(f"receiver: {module.__name__} needs {', '.join(missing)} in the environment")
    run({name: module.work for name, module in modules.items()}, [module.SCHEMA for module in modules.values()])
