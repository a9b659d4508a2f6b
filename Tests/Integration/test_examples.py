"""The examples of the README: the same text as the files, and they run."""

import datetime
import json
import os
import re
import signal
import socket
import subprocess
import threading

import pytest
import standardwebhooks
from conftest import ROOT

README = (ROOT / "README.md").read_text()
BUILD = ROOT / ".build-test"


def block(language):
    """The README's code in that language; there is one."""
    (code,) = re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return code


@pytest.mark.parametrize("language, path, lines", [
    ("python", "examples/python/start.py", 25), ("js", "examples/node/start.js", 25),
    # Go asks for a line for each import and error.
    ("go", "examples/go/start/main.go", 35), ("c", "examples/c/start.c", 25), ("cpp", "examples/cpp/start.cpp", 25),
    ("swift", "examples/swift/Sources/Start/main.swift", 25),
])
def test_the_readme_shows_the_file(language, path, lines):
    code = (ROOT / path).read_text()
    assert block(language) == code
    assert len(code.splitlines()) <= lines


def run(command, seconds=60, **more):
    result = subprocess.run(command, capture_output=True, text=True, timeout=seconds, **more)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    return result.stdout


def check_request(receiver):
    (request,) = receiver.requests
    payload = json.loads(request.body)
    assert payload["eventType"] == "call.completed" and payload["data"]["callId"] == "call_1"
    assert request.headers["webhook-signature"].startswith("v1,")


def test_the_c_start_runs(receiver, tmp_path):
    environment = os.environ | {"PKG_CONFIG_PATH": f"{os.environ['MARTLET_PREFIX']}/lib/pkgconfig"}
    flags = run(["pkg-config", "--cflags", "--libs", "martlet"], env=environment).split()
    program = tmp_path / "start"
    run(["cc", "-Wall", "-Wextra", "-Werror", str(ROOT / "examples/c/start.c"), *flags, "-o", str(program)])
    environment["LD_LIBRARY_PATH"] = f"{os.environ['MARTLET_PREFIX']}/lib"
    printed = run([str(program), receiver.url()], env=environment)
    (delivery,) = json.loads(printed)["deliveries"]
    assert delivery["state"] == "succeeded" and delivery["attempts"][0]["status"] == 200
    check_request(receiver)


def test_the_swift_start_runs(receiver):
    command = ["swift", "run", "--package-path", str(ROOT / "examples/swift"), "--scratch-path", str(BUILD / "start")]
    run([*command[:1], "build", *command[2:]], seconds=900)
    printed = run([*command, "--skip-build", "Start", receiver.url()])
    assert "succeeded: attempts 1, HTTP 200" in printed
    check_request(receiver)


def test_the_quickstart_ends_its_receiver_when_it_is_interrupted():
    quickstart = subprocess.Popen(
        [ROOT / "examples/quickstart.sh"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
        # Where the tests run in the background, their shell has it ignored, which is inherited.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    guard = threading.Timer(900, os.killpg, [quickstart.pid, signal.SIGKILL])
    guard.start()
    try:
        printed, port = [], None
        for line in quickstart.stdout:
            printed.append(line)
            if found := re.search(r"listening on port (\d+)", line):
                port = int(found.group(1))
            if line.startswith("[5/6]"):
                os.killpg(quickstart.pid, signal.SIGINT)  # as a terminal does it
        assert port is not None, "".join(printed)
        # The output has ended, so nobody holds it any more, not even in the background.
        assert quickstart.wait() == 130
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=5)
    finally:
        guard.cancel()


def test_the_readmes_commands_exist():
    for command in ["examples/quickstart.sh", "Tests/run.sh"]:
        assert command in README and os.access(ROOT / command, os.X_OK)


def test_links_of_the_readme_lead_somewhere():
    links = [link for link in re.findall(r"\]\(([^)#]+)[^)]*\)", README) if "://" not in link]
    assert links
    for link in links:
        assert (ROOT / link).exists(), link


def test_every_event_file_is_of_the_catalog(engine):
    files = sorted((ROOT / "examples/events").glob("*.json"))
    pushed = {json.loads(file.read_text())["eventType"] for file in files}
    assert engine.push_json("\n".join(file.read_text().replace("\n", " ") for file in files)) == len(files)
    listed = {t["eventType"] for t in json.loads(engine.text("engine_event_types_json"))["eventTypes"]}
    assert pushed == listed


def test_the_examples_verifier_agrees_with_an_independent_one(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "examples/receivers/flask"))
    from signature import is_genuine

    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,AAAA v1a,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    assert is_genuine(secret, headers, body, now=1614265330 + 299)
    assert not is_genuine(secret, headers, body, now=1614265330 + 301)
    assert not is_genuine(secret, headers, body + b" ", now=1614265330)
    assert not is_genuine(secret, headers | {"webhook-id": "msg_x"}, body, now=1614265330)
    assert not is_genuine(secret, headers | {"webhook-timestamp": "1614265331"}, body, now=1614265330)
    assert not is_genuine(secret, {}, body)
    now = datetime.datetime.now(datetime.timezone.utc)
    signed = standardwebhooks.Webhook(secret).sign("msg_1", now, body.decode())
    assert is_genuine(secret, {"webhook-id": "msg_1", "webhook-timestamp": str(int(now.timestamp())),
                               "webhook-signature": signed}, body)
