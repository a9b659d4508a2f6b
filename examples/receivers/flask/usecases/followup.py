"""What is to be done after a call: a letter of thanks when it was completed, otherwise another call two hours later.

  python followup.py DATABASE             prints what is planned
  python followup.py DATABASE TIME        takes what is due by then, as 2026-01-31T12:00:00Z, and marks it done

The second is for cron, or for whatever sends your mail and places your calls.
"""

import sqlite3
import sys
from datetime import datetime, timedelta, timezone

SCHEMA = """
CREATE TABLE IF NOT EXISTS parties (call_id TEXT PRIMARY KEY, number TEXT, email TEXT);
CREATE TABLE IF NOT EXISTS followups (
    call_id TEXT PRIMARY KEY,  -- one for each call, however many events tell of its end
    kind TEXT NOT NULL,  -- mail or call
    text TEXT NOT NULL,
    due TEXT NOT NULL,
    done INTEGER NOT NULL DEFAULT 0
);
-- Where nobody has told an address or a number yet, whom is NULL.
CREATE VIEW IF NOT EXISTS planned AS
    SELECT call_id, kind, CASE kind WHEN 'mail' THEN email ELSE number END AS whom, text, due
    FROM followups JOIN parties USING (call_id) WHERE NOT done;
"""
ENDS = ("call.completed", "call.errored", "call.expired", "call.canceled")
WAIT = timedelta(hours=2)


def work(event, db):
    if not event.type.startswith("call."):
        return
    data = event.data
    call_id = str(data.get("callId", event.id))
    fields = (data.get("analysis") or {}).get("customFields") or {}
    # Any event of a call may tell whom it was with.
    db.execute(
        "INSERT INTO parties VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET"
        " number = coalesce(excluded.number, number), email = coalesce(excluded.email, email)",
        (call_id, data.get("customerNumber"), fields.get("email")),
    )
    if event.type not in ENDS:
        return  # the call is still under way
    now = datetime.now(timezone.utc)
    if data.get("callStatus") == "completed":
        plan = ("mail", f"Thank you for your call with {data.get('agentName') or 'us'}", stamp(now))
    else:
        plan = ("call", f"Call again: {data.get('callStatus')}", stamp(now + WAIT))
    db.execute(
        "INSERT INTO followups (call_id, kind, text, due) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (call_id, *plan),
    )


def stamp(time):
    return time.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def planned(db, until="9999"):
    return db.execute("SELECT * FROM planned WHERE due <= ? ORDER BY due, call_id", (until,)).fetchall()


def take(db, until):
    """What is due by then and can be done; nobody else gets it afterwards."""
    db.execute("BEGIN IMMEDIATE")
    with db:
        due = [row for row in planned(db, until) if row[2] is not None]
        db.executemany("UPDATE followups SET done = 1 WHERE call_id = ?", [row[:1] for row in due])
    return due


def main(path, until=None):
    db = sqlite3.connect(path, timeout=5)
    rows = planned(db) if until is None else take(db, stamp(datetime.fromisoformat(until)))
    for call_id, kind, whom, text, due in rows:
        print(f"{due}  {kind} {whom or '(unknown)'}: {text} [{call_id}]")


if __name__ == "__main__":
    main(*sys.argv[1:3])
