"""The examples, as a user runs them."""

import signal
import subprocess
import sys
import time

from conftest import ROOT, Receiver

EXAMPLES = ROOT / "examples/python"


def test_start(receiver: Receiver) -> None:
    command = [sys.executable, str(EXAMPLES / "start.py"), receiver.url + "/503,200/start"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert (result.stdout, result.stderr) == ("call 1: succeeded, HTTP 200, attempts: 2\n", "")
    assert receiver.got("/503,200/start")[0]["json"]["data"]["callId"] == "call_1"


def test_the_host_tells_of_every_call_in_order(receiver: Receiver) -> None:
    command = [sys.executable, str(EXAMPLES / "host.py"), receiver.url + "/200/host", "200"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert (result.stdout, result.stderr) == ("200 calls, 400 events told, 0 not\n", "")
    types: dict[str, list[str]] = {}
    for customer in ("acme", "globex"):
        for request in receiver.got(f"/200/host/{customer}"):
            types.setdefault(request["json"]["data"]["callId"], []).append(request["json"]["eventType"])
    assert len(types) == 200
    assert all(order == ["call.placed", "call.completed"] for order in types.values())


def test_the_host_ends_in_good_order(receiver: Receiver) -> None:
    command = [sys.executable, "-u", str(EXAMPLES / "host.py"), receiver.url + "/200/ended", "20000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while not receiver.got("/200/ended/acme"):
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=60)
    assert errors == "" and process.returncode == 0
    assert output.startswith("ending\n") and output.endswith(" events told, 0 not\n")
