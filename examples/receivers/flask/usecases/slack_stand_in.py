"""Stands in for Slack on this machine: takes chat.postMessage as Slack does and keeps the messages.

  python slack_stand_in.py          GET /messages shows what was posted

Environment:
  PORT  the port on 127.0.0.1 (3001); 0 takes a free one
"""

import itertools
import logging
import os

from flask import Flask, jsonify, request
from werkzeug.serving import make_server

app = Flask(__name__)
messages = []
numbers = itertools.count(1)


@app.route("/api/chat.postMessage", methods=["POST"])
def post_message():
    # Slack answers 200 in any case, and says in the body whether it took the message.
    if not request.headers.get("Authorization", "").startswith("Bearer "):
        return jsonify(ok=False, error="not_authed")
    message = request.get_json(silent=True)
    if not isinstance(message, dict):
        return jsonify(ok=False, error="invalid_json")
    if not message.get("channel"):
        return jsonify(ok=False, error="channel_not_found")
    if not (message.get("text") or message.get("attachments") or message.get("blocks")):
        return jsonify(ok=False, error="no_text")
    stamp = f"1700000000.{next(numbers):06}"
    messages.append(message | {"ts": stamp})
    print(f"  [{message['channel']}] {message.get('text')}\n", end="", flush=True)
    return jsonify(ok=True, channel=message["channel"], ts=stamp, message=message)


@app.route("/messages")
def list_messages():
    return jsonify(messages)


if __name__ == "__main__":
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", int(os.environ.get("PORT", 3001)), app, threaded=True)
    print(f"  [slack stand-in] listening on port {server.server_port}", flush=True)
    server.serve_forever()
