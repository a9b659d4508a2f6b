"""Works on what the inbox holds, in a thread of its own, one job after the other."""

import json
import sqlite3
import threading
import time

from inbox import Event, connect

# A job that fails is tried again after these; then it stays in the table as failed, with the error.
DELAYS_SECONDS = (1, 5, 25, 125, 625)


class Worker(threading.Thread):
    """`tasks` maps a name to a function of an event and a database connection.

    What the function writes to the database is committed together with the note that the job is done. So a crash
    repeats no such work and loses none. What it does elsewhere may be repeated by a crash in between. It should write
    last: from its first write on nobody else can write, and requests that wait for more than 5 seconds are answered
    with 503.
    """

    def __init__(self, inbox, tasks, say, delays=DELAYS_SECONDS):
        super().__init__(name="worker")
        self.delays = delays
        self.path = inbox.path
        self.tasks = tasks
        self.say = say
        self._wake = threading.Event()
        self._is_ending = False

    def wake(self):
        """There is something new. Never waits."""
        self._wake.set()

    def stop(self):
        """Waits for the job under way; the others stay in the inbox."""
        self._is_ending = True
        self._wake.set()
        self.join()

    def run(self):
        db = connect(self.path)
        while not self._is_ending:
            # Before looking: what is stored after the look wakes it again.
            self._wake.clear()
            try:
                pause = self._step(db)
            except sqlite3.Error as error:
                # A full disk, say. The job is still in the inbox.
                self.say(f"the database: {error}")
                pause = 1
            if pause != 0 and not self._is_ending:
                self._wake.wait(pause)
        db.close()

    def _step(self, db):
        """Does one job. Returns how long to wait for the next: None until there is one."""
        job = self._next(db)
        if job is None:
            return None
        pause = job["due"] - time.time()
        if pause > 0:
            return pause
        self._do(db, job)
        return 0

    def _next(self, db):
        marks = ",".join("?" * len(self.tasks))
        row = db.execute(
            "SELECT event_id, task, tries, due FROM jobs"
            f" WHERE state = 'waiting' AND task IN ({marks}) ORDER BY due, rowid LIMIT 1",
            list(self.tasks),
        ).fetchone()
        return row and dict(zip(("event_id", "task", "tries", "due"), row))

    def _do(self, db, job):
        key = (job["event_id"], job["task"])
        id, type, created_at, data = db.execute(
            "SELECT id, type, created_at, data FROM events WHERE id = ?", key[:1]
        ).fetchone()
        try:
            with db:
                self.tasks[job["task"]](Event(id, type, created_at, json.loads(data)), db)
                db.execute("UPDATE jobs SET state = 'done', error = NULL WHERE (event_id, task) = (?, ?)", key)
            self.say(f"{type} {id}: {job['task']} done")
        except Exception as error:
            # Whatever a task raises is its own failure; the others go on.
            self._postpone(db, job, key, f"{type} {id}: {job['task']} failed: {error!r}")

    def _postpone(self, db, job, key, text):
        tries = job["tries"] + 1
        is_last = tries > len(self.delays)
        due = 0 if is_last else time.time() + self.delays[tries - 1]
        text = text.encode(errors="replace").decode()
        with db:
            db.execute(
                "UPDATE jobs SET state = ?, tries = ?, due = ?, error = ? WHERE (event_id, task) = (?, ?)",
                ("failed" if is_last else "waiting", tries, due, text, *key),
            )
        self.say(text + (", given up" if is_last else ""))
