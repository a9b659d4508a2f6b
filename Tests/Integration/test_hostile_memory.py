"""Many hostile receivers at once cost an engine next to no memory. The engine runs in a process of its own."""

import json
import subprocess
import sys
from collections import Counter

import hostile
import pytest

LIMIT_KIB = 32 * 1024
EVENTS = 20


def measure(urls, good):
    """The child: warms up at the good receiver, then sends to all, and tells how far its memory grew at the most."""
    from martlet import DELIVERY, Engine

    def high_water():
        with open("/proc/self/status", encoding="ascii") as status:
            return int(next(line.split()[1] for line in status if line.startswith("VmHWM:")))

    engine = Engine(timeoutMs=1000, lanes=1, maxInFlightPerWebhook=4, breaker={"failures": 0}, responseBodyBytes=1024,
                    retry={"delaysSeconds": [0, 0], "jitter": 0})
    engine.webhook(good, ["call.placed"])
    for _ in range(200):
        engine.push(type="call.placed")
    engine.settle(200)
    for url in urls:
        engine.webhook(url, ["call.completed"])
    with open("/proc/self/clear_refs", "w", encoding="ascii") as clear:
        clear.write("5")  # the high-water mark starts anew
    before = high_water()
    for _ in range(EVENTS):
        engine.push(tag=1)
        engine.push(type="call.placed", tag=2)
    deliveries = [o for o in engine.settle(2 * EVENTS, 60) if o.kind == DELIVERY]
    grown = high_water() - before
    print(json.dumps({
        "grown": grown,
        "hostile": Counter(f"{o.state} {o.failure} {o.http_status}" for o in deliveries if o.tag == 1),
        "good": Counter(f"{o.state} {o.attempts}" for o in deliveries if o.tag == 2),
    }))
    engine.free()


@pytest.mark.parametrize("kind, wanted", [
    ("headers", "2 8 0"), ("one header", "2 8 0"), ("interim", "2 8 0"), ("body", "1 0 200"), ("bomb", "1 0 200"),
])
def test_memory_is_bounded(receivers, kind, wanted):
    start, endless = {
        "headers": (b"HTTP/1.1 200 OK\r\n", (b"X-Filler: " + b"f" * 1000 + b"\r\n") * 60),
        "one header": (b"HTTP/1.1 200 OK\r\nX-Filler: ", b"f" * 65536),
        "interim": (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n" * 1000),
        "body": (b"HTTP/1.1 200 OK\r\n\r\n", b"b" * 65536),
        "bomb": (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\x02\x03",
                 b"\xec\xc1\x01\x01" + bytes(65536)),
    }[kind]

    def behave(receiver, connection):
        receiver.request(connection)
        connection.sendall(start)
        hostile.flood(connection, endless)

    started = []
    try:
        for _ in range(20):
            receiver = hostile.RawReceiver(lambda connection, _: None)
            receiver.behave = lambda connection, _, receiver=receiver: behave(receiver, connection)
            started.append(receiver)
        child = subprocess.run(
            [sys.executable, __file__, receivers().url(), *(receiver.url() for receiver in started)],
            capture_output=True, text=True, timeout=90, check=False)
        assert child.returncode == 0, child.stderr
        result = json.loads(child.stdout)
        print(kind, result)
        assert result["grown"] < LIMIT_KIB
        assert result["hostile"] == {wanted: 20 * EVENTS}
        assert result["good"] == {"1 1": EVENTS}
    finally:
        for receiver in started:
            receiver.close()


if __name__ == "__main__":
    measure(sys.argv[2:], sys.argv[1])
