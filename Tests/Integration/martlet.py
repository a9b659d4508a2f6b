"""The C library through ctypes, as thin as it goes: JSON in, JSON out, errors raised."""

import ctypes
import json
import os
import select
import time
from ctypes import byref, c_char_p, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p

PREFIX = os.environ["MARTLET_PREFIX"]
library = ctypes.CDLL(os.path.join(PREFIX, "lib", "libmartlet.so.0"))
library.martlet_version.restype = c_char_p
library.martlet_status_at.restype = c_char_p
library.martlet_free.restype = library.martlet_engine_free.restype = None

DELIVERY, EVENT, WEBHOOK_DISABLED = 1, 2, 3
SUCCEEDED, FAILED, EXPIRED, CANCELED = 1, 2, 3, 4
GONE, RECEIVER_ASKED, FAILING = 1, 2, 3
FAILURES = ["none", "dns", "addressRefused", "connect", "tls", "certificate", "timeout", "connectionLost",
            "badResponse", "httpStatus", "local", "circuitOpen", "backlogFull"]


class Outcome(ctypes.Structure):
    _fields_ = [("size", c_uint32), ("kind", c_int32), ("state", c_int32), ("failure", c_int32), ("tag", c_uint64),
                ("settled_at_ms", c_int64), ("attempts", c_uint32), ("http_status", c_uint32), ("deliveries", c_uint32),
                ("succeeded", c_uint32), ("event_id", ctypes.c_char * 72), ("delivery_id", ctypes.c_char * 40),
                ("webhook_id", ctypes.c_char * 40), ("failing_since_ms", c_int64), ("reason", c_uint32),
                ("reserved", c_uint32)]


assert ctypes.sizeof(Outcome) == 216


def status_names():
    names, status, index = {}, c_int32(), 0
    while name := library.martlet_status_at(c_size_t(index), byref(status)):
        names[status.value] = name.decode()
        index += 1
    return names


NAMES = status_names()


class Error(Exception):
    def __init__(self, status, text=""):
        super().__init__(f"{NAMES.get(status, status)}: {text}")
        self.name = NAMES.get(status)
        self.text = text


def encode(document):
    if document is None:
        return b""
    if isinstance(document, bytes):
        return document
    return (document if isinstance(document, str) else json.dumps(document)).encode()


class Engine:
    """Development mode, quick retries and all outcomes, unless told otherwise."""

    def __init__(self, binding=None, **configuration):
        configuration = {"environment": "development", "outcomes": "all",
                         "retry": {"delaysSeconds": [0.05, 0.1, 0.2], "jitter": 0}} | configuration
        self.handle = c_void_p()
        if binding:
            self.call("open_as", binding, configuration, byref(self.handle))
        else:
            self.call("open", configuration, byref(self.handle))

    def call(self, name, *arguments):
        """Calls `martlet_NAME`, or `martlet_engine_NAME`; documents and ids as str, bytes, dict or None."""
        error = ctypes.create_string_buffer(512)
        is_open = name in ("open", "open_as")
        flat = [] if is_open else [self.handle]
        for argument in arguments:
            if argument is None or isinstance(argument, (str, bytes, dict)):
                argument = encode(argument)
                flat += [argument, c_size_t(len(argument))]
            else:
                flat.append(argument)
        function = getattr(library, f"martlet_{'engine_' if is_open else ''}{name}")
        status = function(*flat, error, c_size_t(len(error)))
        if status != 0:
            raise Error(status, error.value.decode())

    def read(self, name, *arguments):
        text, length = c_char_p(), c_size_t()
        try:
            self.call(name, *arguments, byref(text), byref(length))
            return ctypes.string_at(text, length.value)
        finally:
            library.martlet_free(text)

    def simple(self, name, *arguments):
        status = getattr(library, f"martlet_{name}")(self.handle, *arguments)
        if status != 0:
            raise Error(status)

    def text(self, name):
        text, length = c_char_p(), c_size_t()
        self.simple(name, byref(text), byref(length))
        try:
            return ctypes.string_at(text, length.value).decode()
        finally:
            library.martlet_free(text)

    # What the tests use.

    def webhook(self, url, events=("*",), **more):
        return json.loads(self.read("webhook_create", {"url": url, "events": list(events), **more}))

    def update(self, webhook, **changes):
        return json.loads(self.read("webhook_update", webhook["id"], changes))

    def get(self, webhook):
        return json.loads(self.read("webhook_get", webhook["id"]))

    def secret(self, webhook):
        return json.loads(self.read("webhook_secrets", webhook["id"]))["secrets"][0]["secret"]

    def delete(self, webhook):
        self.call("webhook_delete", webhook["id"])

    def enable(self, webhook, enabled):
        self.call("webhook_set_enabled", webhook["id"], c_int32(enabled))

    def push(self, data="{}", type="call.completed", tag=0):
        event_id = ctypes.create_string_buffer(72)
        self.call("push", type, encode(data), c_uint64(tag), event_id)
        return event_id.value.decode()

    def push_json(self, lines):
        accepted = c_size_t()
        try:
            self.call("push_json", lines, byref(accepted), c_void_p())
        except Error as error:
            error.accepted = accepted.value
            raise
        return accepted.value

    def poll(self, capacity=64):
        batch, count = (Outcome * capacity)(), c_size_t()
        self.simple("outcomes_poll", byref(batch), c_size_t(ctypes.sizeof(Outcome)), c_size_t(capacity), byref(count))
        return [Outcome.from_buffer_copy(batch[i]) for i in range(count.value)]

    def descriptor(self):
        fd = c_int32()
        self.simple("outcomes_fd", byref(fd))
        return fd.value

    def outcomes(self, until, seconds=20):
        """Waits on the descriptor and polls until `until(all so far)` is true; fails when it takes too long."""
        seen, end = [], time.monotonic() + seconds
        while not until(seen):
            left = end - time.monotonic()
            waiting = select.poll()
            waiting.register(self.descriptor(), select.POLLIN)
            assert waiting.poll(max(left, 0) * 1000), \
                f"no more outcomes within {seconds} s; so far {[(o.kind, o.tag, o.state) for o in seen]}"
            while batch := self.poll():
                seen += batch
        return seen

    def settle(self, events, seconds=20):
        """Outcomes until so many events are settled."""
        return self.outcomes(lambda seen: sum(o.kind == EVENT for o in seen) >= events, seconds)

    def one(self, seconds=20):
        """The outcome of the only delivery of the only event."""
        deliveries = [o for o in self.settle(1, seconds) if o.kind == DELIVERY]
        assert len(deliveries) == 1
        return deliveries[0]

    def deliveries(self, **query):
        return json.loads(self.read("deliveries", query))["deliveries"]

    def delivery(self, outcome):
        return json.loads(self.read("delivery_get", outcome.delivery_id))

    def stats(self):
        return json.loads(self.text("engine_stats_json"))

    def flush(self, milliseconds):
        self.simple("engine_flush", c_int64(milliseconds))

    def close(self, milliseconds=5000):
        self.simple("engine_close", c_int64(milliseconds))

    def free(self):
        library.martlet_engine_free(self.handle)
