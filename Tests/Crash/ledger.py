"""What the lives of a group said, and what must follow from it."""

from collections import defaultdict

DELIVERY, EVENT = 1, 2
SUCCEEDED, FAILED, EXPIRED, CANCELED = 1, 2, 3, 4


class Ledger:
    def __init__(self, sink, mode):
        self.sink = sink
        self.mode = mode
        self.faults = []
        # Outcomes that came again although the host had read them. That is a fault unless ends waited in memory for room on the
        # disk, which a later report may be the first to say.
        self.repeats = []
        self.accepted = {}  # number -> life
        self.expiring = set()
        self.ids = {}  # webhook's name -> id
        self.event_outcomes = defaultdict(list)  # number -> [(life, state)]
        self.delivery_outcomes = defaultdict(list)  # delivery -> [(life, state, number, webhook)]
        self.acknowledged = {}  # outcome -> life
        self.unread = []
        self.redelivered = {}
        # Redeliveries whose maker was killed before it could tell their ids.
        self.unannounced = 0
        self.repeated = 0
        self.parked = None
        self.refused = defaultdict(int)
        self.unwritten = 0
        self.segments_deleted = 0
        self.most_bytes = 0
        self.recovered = 0
        self.open_seconds = []
        self.rest = None
        self.reopened = None
        self.has_ended = False
        # Webhooks that change: name -> what was done last, and what was begun and may have happened.
        self.known = {}
        self.begun = {}
        self.dead = set()

    def fault(self, text):
        self.faults.append(text)

    def begin_life(self, life):
        self.life = life
        self.unread = []
        self.is_open = self.has_ended = False
        self.sink.life = life

    def hear(self, news):
        getattr(self, "hear_" + news[0])(*news[1:])

    # ---- What a life says ----

    def hear_opening(self):
        pass

    def hear_open(self, seconds, recovery, webhooks):
        self.is_open = True
        self.open_seconds.append(seconds)
        self.recovered += recovery["deliveries"]
        for name in ("quarantined", "lostRecords", "unreadableRecords"):
            if recovery[name]:
                self.fault(f"life {self.life} found {recovery[name]} {name}")
        self.check_webhooks(webhooks)

    def hear_ready(self, ids):
        for name, id in ids.items():
            if self.ids.get(name, id) != id:
                self.fault(f"webhook {name} was {self.ids[name]} and is {id}")
            self.ids[name] = id

    def hear_accepted(self, numbers, expiring):
        for number in numbers:
            self.accepted[number] = self.life
        self.expiring.update(expiring)

    def hear_refused(self, name):
        self.refused[name] += 1
        if name not in ("STORAGE_FULL", "QUEUE_FULL"):
            self.fault(f"life {self.life}: {name}")

    def hear_repeated(self, number, accepted, duplicates, error):
        self.repeated += 1
        if (accepted, duplicates, error) != (0, 1, None):
            self.fault(f"own-{number} again: {accepted} accepted, {duplicates} duplicates, {error}")

    def hear_outcomes(self, outcomes):
        # Whoever polls has read what the poll before gave.
        for key in self.unread:
            self.acknowledged[key] = self.life
        self.unread = []
        for kind, state, number, event, delivery, webhook, attempts in outcomes:
            key = delivery if kind == DELIVERY else f"event {number} {event}" if kind == EVENT else None
            if key is None:
                self.fault(f"a webhook was disabled: {webhook}")
                continue
            if key in self.acknowledged and not (kind == EVENT and self.mode == "policy"):
                self.repeats.append(f"{key}: told in life {self.life} and read in life {self.acknowledged[key]}")
            self.unread.append(key)
            if kind == EVENT:
                self.event_outcomes[number].append((self.life, state))
                continue
            before = self.delivery_outcomes[delivery]
            if any(told[0] == self.life for told in before):
                self.fault(f"{delivery} was told twice in life {self.life}")
            before.append((self.life, state, number, webhook))
            if self.mode != "policy":
                for name, id in self.ids.items():
                    if id == webhook and name in self.paths:
                        self.sink.told.setdefault((self.paths[name], number), self.life)

    def hear_redelivers(self):
        self.unannounced += 1

    def hear_redelivered(self, new, old):
        self.unannounced -= 1
        if new is not None:
            self.redelivered[new] = old
        elif old not in ("QUEUE_FULL", "STORAGE_FULL"):
            self.fault(f"a redelivery was refused: {old}")

    def hear_stats(self, journal, events, queue):
        self.unwritten = max(self.unwritten, journal["unwrittenRecords"])
        self.segments_deleted = max(self.segments_deleted, journal["segmentsDeleted"])
        self.most_bytes = max(self.most_bytes, journal["bytesOnDisk"])
        if journal["bytesOnDisk"] > journal["maxBytes"]:
            self.fault(f"{journal['bytesOnDisk']} bytes on the disk")
        self.last_stats = journal, events, queue

    def hear_intends(self, name, what, number):
        self.begun[name] = (what, number)

    def hear_done(self, name, what, number):
        del self.begun[name]
        if what == "delete":
            self.known.pop(name, None)
            self.dead.add(name)
        else:
            self.known[name] = number

    def hear_parked(self, numbers, wrong):
        self.parked = set(numbers)
        if wrong:
            self.fault(f"payloads that changed: {wrong}")

    def hear_stuck(self, deliveries):
        self.fault(f"still not settled: {self.last_stats} {deliveries}")

    def hear_rest(self, journal, webhooks):
        self.rest = journal, webhooks

    def hear_reopened(self, recovery, webhooks):
        self.reopened = recovery, webhooks

    def hear_closed(self):
        pass

    def hear_end(self):
        self.has_ended = True

    # ---- Webhooks ----

    def check_webhooks(self, listed):
        found = {}
        for metadata, url, headers, description in listed:
            name, number = metadata["name"], metadata.get("version")
            if name in found:
                self.fault(f"webhook {name} is there twice")
            found[name] = number
            if number is not None and not (url.endswith(f"/ok/{name}/{number}") and headers == {"x-version": number}
                                           and description == f"version {number}"):
                self.fault(f"webhook {name} is a mix: {metadata} {url} {headers} {description}")
        for name, number in self.known.items():
            what, to = self.begun.get(name, (None, 0))
            allowed = {str(number)} | ({str(to)} if what == "update" else set()) | ({None} if what == "delete" else set())
            if found.get(name) not in allowed:
                self.fault(f"webhook {name} is {found.get(name)}, it may be one of {allowed}")
        for name in self.dead & found.keys():
            self.fault(f"webhook {name} was deleted and is back")
        # What was begun has happened or not; from here on it is known which.
        for name in list(self.begun):
            del self.begun[name]
            if name in found:
                self.known[name] = int(found[name])
            elif self.known.pop(name, None) is not None:
                self.dead.add(name)

    # ---- The end ----

    def judge(self, paths):
        """Looks whether everything that was accepted got where it should."""
        self.faults += self.sink.faults
        arrived = defaultdict(dict)  # path -> number -> Seen
        for (path, _), seen in self.sink.seen.items():
            if seen.number in arrived[path]:
                self.fault(f"event {seen.number} came to {path} under two ids")
            arrived[path][seen.number] = seen
        for name, path in paths.items():
            for number in self.accepted:
                if self.wants(name, number) and number not in arrived[path] and number not in self.expiring:
                    self.fault(f"LOST: event {number}, accepted in life {self.accepted[number]}, never came to {path}")
        self.judge_outcomes(len(paths))
        if self.mode == "order":
            for name, path in paths.items():
                self.judge_order(path, arrived[path].values(), strict=name == "w2")
        if self.mode == "ids":
            for (path, event), seen in self.sink.seen.items():
                if event != f"own-{seen.number}":
                    self.fault(f"event {seen.number} came as {event}")
        self.judge_rest()
        if self.unwritten == 0:
            self.faults += self.repeats
        if self.parked is not None:
            due = {number for number in self.accepted if self.wants("park", number)}
            if not due <= self.parked:
                self.fault(f"LOST: {sorted(due - self.parked)} do not wait for their next try any more")

    def wants(self, name, number):
        return not name.startswith("idle") and (name not in ("w2", "park") or self.mode != "compaction"
                                                or number % self.straggler_every == 0)

    def judge_outcomes(self, webhooks):
        told = defaultdict(lambda: defaultdict(set))  # number -> webhook -> states
        for delivery, outcomes in self.delivery_outcomes.items():
            if len({state for _, state, _, _ in outcomes}) != 1:
                self.fault(f"{delivery} ended in several ways: {outcomes}")
            for _, state, number, webhook in outcomes:
                told[number][webhook].add((delivery, state))
        names = {id: name for name, id in self.ids.items()}
        for number in self.accepted:
            if not self.event_outcomes.get(number):
                self.fault(f"LOST: nothing was told of event {number}, accepted in life {self.accepted[number]}")
            for name, id in self.ids.items():
                if name not in self.paths or not self.wants(name, number):
                    continue
                ends = told[number].get(id, set())
                ends = {end for end in ends if end[0] not in self.redelivered}
                while len(ends) > 1 and self.unannounced:
                    self.unannounced -= 1
                    ends.remove(max(ends))
                if len(ends) != 1:
                    self.fault(f"event {number} has {len(ends)} ends at {names[id]}: {ends}")
                allowed = {SUCCEEDED}
                if number in self.expiring:
                    allowed.add(EXPIRED)
                if name == "park":
                    allowed = {CANCELED}
                if not {state for _, state in ends} <= allowed:
                    self.fault(f"event {number} ended at {names[id]} as {ends}")
        for new in self.redelivered:
            if new not in self.delivery_outcomes:
                self.fault(f"LOST: nothing was told of the redelivery {new}")

    def judge_order(self, path, arrivals, strict):
        last = {}
        for seen in sorted(arrivals, key=lambda seen: seen.first):
            key = None if strict else seen.number * 31 % 5
            if last.get(key, -1) > seen.number:
                self.fault(f"{path}: event {seen.number} came after {last[key]}")
            last[key] = seen.number

    def judge_rest(self):
        journal, webhooks = self.rest
        if self.unwritten == 0 and journal["unwrittenRecords"]:
            self.unwritten = journal["unwrittenRecords"]
        recovery, metadata = self.reopened
        if recovery["deliveries"] or recovery["outcomes"]:
            self.fault(f"after a clean end something came back: {recovery}")
        if len(metadata) != webhooks:
            self.fault(f"{webhooks} webhooks, and {len(metadata)} after opening again")
