"""A receiver for many senders in a row: remembers every request, and what it answers depends on the path.

    /ok/...      200
    /flaky/...   503 to the first 0 to 2 tries of an event, by its number, then 200
    /slow/...    200 after 20 ms
    /fail/...    503 until `relents`, then 200
    /park/...    503, always
"""

import asyncio
import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass, field


@dataclass
class Seen:
    """What arrived for one event at one path."""

    number: int
    event_id: str
    first: int  # counts all requests, so that it orders them
    digest: bytes
    requests: int = 1
    last_life: int = 0


@dataclass
class Sink:
    life: int = 0
    relents: bool = False
    requests: int = 0
    seen: dict = field(default_factory=dict)  # (path, event id) -> Seen
    faults: list = field(default_factory=list)
    # (path, event number) whose end a sender was told of and made known, with the life it was told in.
    told: dict = field(default_factory=dict)
    tries: dict = field(default_factory=lambda: defaultdict(int))
    connections: set = field(default_factory=set)

    async def start(self):
        self.server = await asyncio.get_running_loop().create_server(lambda: Connection(self), "127.0.0.1", 0,
                                                                     backlog=1024)
        self.port = self.server.sockets[0].getsockname()[1]

    def forget(self):
        """What the next group of lives sends is judged alone."""
        self.__init__()

    async def close(self):
        self.server.close()
        for connection in list(self.connections):
            connection.abort()

    def take(self, path, headers, body):
        """Notes one request; answers the status and how long to wait with it."""
        self.requests += 1
        event_id = headers.get("webhook-id", "")
        try:
            data = json.loads(body)["data"]
            number = data["n"]
        except (ValueError, KeyError, TypeError) as error:
            self.faults.append(f"a body that is none of ours at {path}: {error}: {body[:80]!r}")
            return 400, 0
        if data.get("repeat"):
            self.faults.append(f"the repeated push of {event_id} was delivered to {path}")
        if data["pad"] != pad(number):
            self.faults.append(f"the payload of {event_id} is not what was pushed")
        version = headers.get("x-version")
        if version is not None and not path.endswith(f"/{version}"):
            self.faults.append(f"a webhook mixed two versions: {path} with x-version {version}")
        digest = hashlib.sha256(body).digest()
        known = self.seen.get((path, event_id))
        if known is None:
            known = Seen(number, event_id, self.requests, digest)
            self.seen[path, event_id] = known
        else:
            known.requests += 1
        known.last_life = self.life
        if known.number != number or known.digest != digest:
            self.faults.append(f"two payloads came as {event_id}")
        told = self.told.get((path, number))
        if told is not None and told < self.life and headers.get("webhook-test") is None:
            self.faults.append(f"event {number} came to {path} in life {self.life}; its end was told in life {told}")
        kind = path.split("/")[1]
        if kind == "flaky":
            self.tries[path, event_id] += 1
            return (503 if self.tries[path, event_id] <= number % 3 else 200), 0
        if kind == "fail":
            return (200 if self.relents else 503), 0
        return (503 if kind == "park" else 200), (0.02 if kind == "slow" else 0)


def pad(number):
    """Filling of a length and content that follow from the event's number."""
    return f"{number:x}." * (number * 7919 % 97 * 2)


class Connection(asyncio.Protocol):
    def __init__(self, sink):
        self.sink = sink
        self.buffer = b""

    def connection_made(self, transport):
        self.transport = transport
        self.sink.connections.add(transport)

    def connection_lost(self, _):
        self.sink.connections.discard(self.transport)

    def data_received(self, data):
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            lines = self.buffer[:end].decode("latin-1").split("\r\n")
            headers = {}
            for line in lines[1:]:
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            length = int(headers.get("content-length", 0))
            if len(self.buffer) < end + 4 + length:
                return
            body = self.buffer[end + 4:end + 4 + length]
            self.buffer = self.buffer[end + 4 + length:]
            status, wait = self.sink.take(lines[0].split(" ")[1], headers, body)
            if wait:
                asyncio.get_running_loop().call_later(wait, self.answer, status)
            else:
                self.answer(status)

    def answer(self, status):
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 %d X\r\ncontent-length: 0\r\n\r\n" % status)
