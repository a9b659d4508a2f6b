"""Customer records: the last call of each customer.  python crm.py DATABASE prints them.

One event tells only a part of a call, and events may arrive in any order. So a call is put together from its events,
the newest having the last word, and the customer's record is made from the newest call.
"""

import sqlite3
import sys

SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (
    id TEXT PRIMARY KEY,
    told_at TEXT NOT NULL,  -- when the newest of its events happened
    phone TEXT, time TEXT, duration REAL, notes TEXT, sentiment TEXT
);
CREATE TABLE IF NOT EXISTS contacts (
    phone TEXT PRIMARY KEY,
    last_call_date TEXT, call_duration REAL, call_notes TEXT, sentiment TEXT
);
"""
EVENT_TYPES = ("call.placed", "call.completed")


def work(event, db):
    if event.type not in EVENT_TYPES or "callId" not in event.data:
        return
    data = event.data
    analysis = data.get("analysis") or {}
    call = {
        "id": data["callId"], "told_at": event.created_at, "phone": data.get("customerNumber"),
        "time": data.get("callTime"), "duration": data.get("callDuration"), "notes": data.get("transcript"),
        "sentiment": analysis.get("sentiment"),
    }
    # What the newer event tells, and where it tells nothing, what the older one did.
    merged = ", ".join(
        f"{name} = CASE WHEN excluded.told_at >= told_at THEN coalesce(excluded.{name}, {name})"
        f" ELSE coalesce({name}, excluded.{name}) END"
        for name in ("phone", "time", "duration", "notes", "sentiment")
    )
    db.execute(
        "INSERT INTO calls (id, told_at, phone, time, duration, notes, sentiment)"
        " VALUES (:id, :told_at, :phone, :time, :duration, :notes, :sentiment)"
        f" ON CONFLICT (id) DO UPDATE SET {merged}, told_at = max(told_at, excluded.told_at)",
        call,
    )
    db.execute(
        "INSERT OR REPLACE INTO contacts SELECT phone, coalesce(time, told_at), duration, notes, sentiment FROM calls"
        " WHERE phone = (SELECT phone FROM calls WHERE id = ?) ORDER BY coalesce(time, told_at) DESC LIMIT 1",
        (call["id"],),
    )


def main(path):
    rows = sqlite3.connect(path).execute(
        "SELECT phone, last_call_date, call_duration, sentiment, call_notes FROM contacts ORDER BY phone"
    )
    for phone, date, duration, sentiment, notes in rows:
        print(f"{phone}  last call {date}, {duration} s, {sentiment or 'no sentiment'}: {notes}")


if __name__ == "__main__":
    main(sys.argv[1])
