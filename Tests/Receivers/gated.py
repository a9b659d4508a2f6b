"""The Flask receiver with work that a test can hold up: it writes a row, and before it and behind it reads the pipes GATE
and GATE_BEHIND, where there are such.
"""

import os

import receiver


def pause(place):
    if place in os.environ:
        with open(os.environ[place]) as gate:
            gate.read()


def work(event, db):
    receiver.say(f"{event.id} begun")
    pause("GATE")
    db.execute("INSERT INTO effects VALUES (?)", (event.id,))
    receiver.say(f"{event.id} written")
    pause("GATE_BEHIND")


receiver.run({"effects": work}, ["CREATE TABLE IF NOT EXISTS effects (event_id TEXT NOT NULL)"])
