"""Tells the team of negative calls, in Slack's message format.  python notify.py DATABASE prints of which it did.

Environment:
  SLACK_URL      the API, with a slash at the end; for the stand-in on this machine http://127.0.0.1:PORT/api/
  SLACK_TOKEN    the bot's token
  SLACK_CHANNEL  (#customer-support)
"""

import os
import sqlite3
import sys

from slack_sdk import WebClient

ENVIRONMENT = ("SLACK_URL",)
SCHEMA = "CREATE TABLE IF NOT EXISTS notified (call_id TEXT PRIMARY KEY, message TEXT NOT NULL)"


def work(event, db):
    data = event.data
    analysis = data.get("analysis") or {}
    if not event.type.startswith("call.") or analysis.get("sentiment") != "negative":
        return
    call_id = str(data.get("callId", event.id))
    # Several events of one call may tell of it; once is enough.
    if db.execute("SELECT 1 FROM notified WHERE call_id = ?", (call_id,)).fetchone():
        return
    client = WebClient(os.environ.get("SLACK_TOKEN", "xoxb-stand-in"), base_url=os.environ["SLACK_URL"], timeout=5)
    # An error of Slack is an exception here, and the worker tries again. Nothing was written yet, so the database is
    # not locked meanwhile. A crash between the message and the commit sends the message twice.
    answer = client.chat_postMessage(
        channel=os.environ.get("SLACK_CHANNEL", "#customer-support"),
        text=f"⚠️ Negative call detected with {plain(data.get('customerNumber'))}",
        attachments=[{"text": plain(analysis.get("summary"))}],
    )
    db.execute("INSERT INTO notified VALUES (?, ?)", (call_id, answer["ts"]))


def plain(text):
    """Slack takes `<!channel>` and links from text unless these three are escaped, and this text is somebody else's."""
    return str(text or "unknown").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def main(path):
    for call_id, message in sqlite3.connect(path).execute("SELECT call_id, message FROM notified ORDER BY rowid"):
        print(f"{call_id}: message {message}")


if __name__ == "__main__":
    main(sys.argv[1])
