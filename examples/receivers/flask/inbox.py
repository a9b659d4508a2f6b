"""What was received and what is to be done about it, in SQLite: it survives the end of the process at any instant.

An event is stored once, by its id, together with a job for each task. So a request that comes again finds its event and
makes no second job, and what was acknowledged but not yet worked on is still there after a crash.
"""

import fcntl
import json
import sqlite3
import threading
import time
from dataclasses import dataclass

SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    id TEXT PRIMARY KEY,
    type TEXT NOT NULL,
    created_at TEXT NOT NULL,
    data TEXT NOT NULL,
    received_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS jobs (
    event_id TEXT NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    task TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting',  -- then done or failed
    tries INTEGER NOT NULL DEFAULT 0,
    due REAL NOT NULL DEFAULT 0,
    error TEXT,
    PRIMARY KEY (event_id, task)
);
CREATE INDEX IF NOT EXISTS waiting_jobs ON jobs (due) WHERE state = 'waiting';
"""
# Longer than any sender tries again, or is asked to replay.
KEPT_SECONDS = 30 * 24 * 3600


@dataclass(frozen=True)
class Event:
    id: str
    type: str
    created_at: str
    data: dict


def connect(path):
    db = sqlite3.connect(path, timeout=5, check_same_thread=False)
    db.execute("PRAGMA journal_mode = WAL")
    # An answer is a promise: what it acknowledges is on the disk.
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA foreign_keys = ON")
    return db


class Inbox:
    """Stores events, each with a job for every one of `tasks`. May be used from any thread.

    `schemas` make the tables that the tasks need.
    """

    def __init__(self, path, tasks, schemas=()):
        self.path = path
        self.tasks = list(tasks)
        # Two workers on one database would do the same job twice.
        self._only = open(f"{path}.lock", "w")
        try:
            fcntl.flock(self._only, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RuntimeError(f"another receiver works with {path}") from None
        self._lock = threading.Lock()
        self._db = connect(path)
        for schema in (SCHEMA, *schemas):
            self._db.executescript(schema)
        with self._db:
            self._db.execute(
                "DELETE FROM events WHERE received_at < ? AND id NOT IN"
                " (SELECT event_id FROM jobs WHERE state = 'waiting')",
                (time.time() - KEPT_SECONDS,),
            )

    def store(self, event):
        """True when the event is new, False when it was stored before. Raises sqlite3.Error; then nothing is stored."""
        with self._lock, self._db:
            inserted = self._db.execute(
                "INSERT INTO events VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (event.id, event.type, event.created_at, json.dumps(event.data), time.time()),
            )
            if inserted.rowcount == 0:
                return False
            self._db.executemany(
                "INSERT INTO jobs (event_id, task) VALUES (?, ?)", [(event.id, task) for task in self.tasks]
            )
            return True

    def close(self):
        with self._lock:
            self._db.close()
        self._only.close()
