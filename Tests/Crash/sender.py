"""One life of a sender: opens the engine on the data directory it is told of, pushes, reads outcomes, until it is killed.

Standard input is its plan, a JSON object. Each line it prints is a JSON array: what has happened, and only after it has.
"""

import ctypes
import json
import os
import pathlib
import random
import sys
import threading
import time
from ctypes import byref, c_size_t

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Integration"))

import martlet  # noqa: E402
from martlet import DELIVERY, SUCCEEDED, Engine, Error  # noqa: E402
from sink import pad  # noqa: E402

plan = json.loads(sys.stdin.read())
dice = random.Random(plan["seed"])
webhooks = {}


saying = threading.Lock()


def say(*news):
    """One line at a time, for a long one is not written in one piece; a killed process leaves its last one open."""
    line = (json.dumps(news) + "\n").encode()
    with saying:
        while line:
            line = line[os.write(1, line) :]


def listing(engine):
    return json.loads(engine.read("webhook_list", {"limit": 1000}))["webhooks"]


def version(name, number):
    """All that a webhook's change changes: it must never be seen in part."""
    return {"url": f"{plan['url']}/ok/{name}/{number}", "headers": {"x-version": str(number)},
            "description": f"version {number}", "metadata": {"name": name, "version": str(number)}}


def meet_webhooks(engine):
    """Makes those that are missing; a life before this one may have been killed on the way."""
    for webhook in listing(engine):
        webhooks[webhook["metadata"]["name"]] = webhook
    for wanted in plan["webhooks"]:
        name = wanted["metadata"]["name"]
        if name not in webhooks:
            webhooks[name] = engine.webhook(**wanted)
    say("ready", {name: webhook["id"] for name, webhook in webhooks.items()})


# ---- Pushing ----

def document(number, **more):
    data = {"n": number, "pad": pad(number)}
    if number % plan.get("stragglerEvery", 1) == 0:
        data["straggles"] = True
    return {"eventType": "call.completed", "tag": number, "data": data} | more


def push_lines(engine, documents):
    """How many were accepted and how many were duplicates, and the error's name."""
    lines = "\n".join(json.dumps(one) for one in documents).encode()
    accepted, duplicates = c_size_t(), c_size_t()
    try:
        engine.call("push_json", lines, byref(accepted), byref(duplicates))
    except Error as error:
        return accepted.value, duplicates.value, error.name
    return accepted.value, duplicates.value, None


def one_push(engine, number, dice):
    if plan["mode"] in ("plain", "open", "compaction", "webhooks") and dice.random() < 0.7:
        try:
            engine.push(document(number)["data"], tag=number)
        except Error as error:
            say("refused", error.name)
            return number
        say("accepted", [number], [])
        return number + 1
    documents = []
    for n in range(number, number + dice.randint(1, 6)):
        more = {}
        if plan["mode"] == "order":
            more["key"] = f"key-{n * 31 % 5}"
        elif plan["mode"] == "ids":
            more["id"] = f"own-{n}"
        elif plan["mode"] == "policy" and dice.random() < 0.3:
            more["expirySeconds"] = 0.3
        documents.append(document(n, **more))
    accepted, duplicates, error = push_lines(engine, documents)
    done = [one["tag"] for one in documents[:accepted]]
    say("accepted", done, [one["tag"] for one in documents[:accepted] if "expirySeconds" in one])
    if error or duplicates:
        say("refused", error or "DUPLICATE")
    return number + accepted


def push_many(engine, start, count, seed):
    """From a thread of its own: other threads push and change at the same time."""
    dice = random.Random(seed)
    number = start
    while number < start + count:
        before = number
        number = one_push(engine, number, dice)
        if number == before:
            time.sleep(0.005)
        elif dice.random() < plan["pause"]:
            time.sleep(dice.random() * 0.01)


def repeat(engine):
    """Pushes once more what an earlier life, or this one, was told to be accepted."""
    for number in plan["repeats"]:
        again = document(number, id=f"own-{number}")
        again["data"]["repeat"] = True
        accepted, duplicates, error = push_lines(engine, [again])
        say("repeated", number, accepted, duplicates, error)


# ---- Webhooks that change ----

def change_webhooks(engine):
    """Creates, changes and deletes until the engine is closed; says what it is about to do and what is done."""
    try:
        change_on(engine)
    except Error as error:
        assert error.name == "CLOSED", error


def change_on(engine):
    mine = {name: int(webhook["metadata"]["version"]) for name, webhook in webhooks.items()
            if "version" in webhook["metadata"]}
    made = 0
    while True:
        time.sleep(dice.random() * 0.004)
        choice = dice.random()
        if not mine or (choice < 0.3 and len(mine) < 8):
            name = f"v{plan['life']}-{made}"
            made += 1
            say("intends", name, "create", 0)
            webhooks[name] = engine.webhook(events=["*"], **version(name, 0))
            mine[name] = 0
            say("done", name, "create", 0)
        elif choice < 0.75:
            name = dice.choice(sorted(mine))
            say("intends", name, "update", mine[name] + 1)
            mine[name] += 1
            engine.update(webhooks[name], **version(name, mine[name]))
            say("done", name, "update", mine[name])
        elif choice < 0.85:
            name = dice.choice(sorted(mine))
            engine.read("webhook_rotate_secret", webhooks[name]["id"], {"overlapSeconds": 60})
        else:
            name = dice.choice(sorted(mine))
            say("intends", name, "delete", 0)
            engine.delete(webhooks[name])
            del mine[name]
            say("done", name, "delete", 0)


# ---- Outcomes ----

def read_outcomes(engine):
    """Says what one poll gave; the poll after it counts as the word that they were read."""
    outcomes = engine.poll(64)
    say("outcomes", [
        [o.kind, o.state, o.tag, o.event_id.decode(), o.delivery_id.decode(), o.webhook_id.decode(), o.attempts]
        for o in outcomes
    ])
    if plan["mode"] == "policy":
        for outcome in outcomes:
            if outcome.kind == DELIVERY and outcome.state == SUCCEEDED and dice.random() < plan["redeliver"]:
                redeliver(engine, outcome.delivery_id)
    return outcomes


def redeliver(engine, delivery):
    made = ctypes.create_string_buffer(72)
    say("redelivers")
    try:
        engine.call("redeliver", delivery, made)
    except Error as error:
        say("redelivered", None, error.name)
        return
    say("redelivered", made.value.decode(), delivery.decode())


def figures(engine):
    stats = engine.stats()
    say("stats", stats["journal"], stats["events"], stats["queue"])
    return stats


# ---- The lives ----

def live(engine):
    """Until it is killed, or nothing is left to push."""
    workers = [
        threading.Thread(target=push_many, daemon=True,
                         args=(engine, plan["first"] + 100_000 * index, plan["count"], dice.random()))
        for index in range(plan["threads"])
    ]
    if plan["mode"] == "webhooks":
        workers.append(threading.Thread(target=change_webhooks, args=(engine,), daemon=True))
    for worker in workers:
        worker.start()
    if plan["mode"] == "ids":
        repeat(engine)
    turns = 0
    while True:
        if not read_outcomes(engine):
            time.sleep(0.002)
        turns += 1
        if turns % 20 == 0:
            figures(engine)
        if plan["ends"] == "close" and not any(worker.is_alive() for worker in workers[:plan["threads"]]):
            try:
                engine.close(0)
            except Error as error:
                assert error.name == "TIMED_OUT", error
            engine.free()
            say("closed")
            return


def finish(engine):
    """Waits until everything is settled and told, closes, and looks whether anything comes back."""
    if plan["mode"] == "ids":
        repeat(engine)
    if "park" in webhooks:
        parked(engine)
    plan["redeliver"] = 0
    end = time.monotonic() + 40
    while True:
        outcomes = read_outcomes(engine)
        if not outcomes and engine.stats()["events"]["unsettled"] == 0 and not read_outcomes(engine):
            break
        if time.monotonic() > end:
            say("stuck", engine.deliveries(state="undelivered", limit=3))
            break
        if not outcomes:
            time.sleep(0.005)
    figures(engine)
    for webhook in listing(engine):
        if plan["deletesAll"]:
            engine.delete(webhook)
    read_outcomes(engine)
    time.sleep(0.05)
    say("rest", engine.stats()["journal"], len(listing(engine)))
    engine.close(5000)
    engine.free()
    engine = Engine(**plan["configuration"])
    say("reopened", engine.stats()["journal"]["recovery"], [webhook["metadata"] for webhook in listing(engine)])
    read_outcomes(engine)
    engine.close(5000)
    engine.free()


def parked(engine):
    """What has waited for the next try since some life or other is there with its payload; then it is given up."""
    found, cursor = {}, None
    while True:
        query = {"state": "undelivered", "webhookId": webhooks["park"]["id"], "limit": 1000}
        page = json.loads(engine.read("deliveries", query | ({"cursor": cursor} if cursor else {})))
        for delivery in page["deliveries"]:
            found[delivery["tag"]] = delivery
        cursor = page["cursor"]
        if not cursor:
            break
    wrong = []
    for number, delivery in found.items():
        whole = json.loads(engine.read("delivery_get", delivery["id"]))
        if json.loads(whole["payload"])["data"]["pad"] != pad(number):
            wrong.append(number)
    say("parked", sorted(found), wrong)
    canceled = c_size_t()
    engine.call("deliveries_cancel", {"webhookId": webhooks["park"]["id"]}, byref(canceled))


def main():
    say("opening")
    started = time.monotonic()
    engine = Engine(**plan["configuration"])
    took = time.monotonic() - started
    found = listing(engine)
    say("open", took, engine.stats()["journal"]["recovery"], [
        [webhook["metadata"], webhook["url"], webhook["headers"], webhook["description"]] for webhook in found
    ])
    meet_webhooks(engine)
    if plan["ends"] == "drain":
        finish(engine)
    else:
        live(engine)
    say("end")


main()
