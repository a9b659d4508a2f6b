"""The commands of the README: run.sh starts each receiver, and sends the samples to it."""

import os
import re
import sqlite3
import subprocess
import sys

import pytest
from conftest import RECEIVERS, SECRET, event, post, send, signed

RUN = str(RECEIVERS / "run.sh")
# What the tests run in has all that run.sh would install.
VENV = {"RECEIVERS_VENV": sys.prefix}


def sent(url, *files, **environment):
    """What `run.sh send` prints, and its exit code."""
    result = subprocess.run(
        [RUN, "send", url, *files], capture_output=True, text=True, timeout=60,
        env=os.environ | VENV | {"WEBHOOK_SECRET": SECRET} | environment,
    )
    return result.stdout + result.stderr, result.returncode


@pytest.mark.parametrize("name", ["flask-seed", "flask-signed", "flask", "express-seed", "express"])
def test_a_receiver_and_the_samples(programs, name):
    program = programs([RUN, name], **VENV)
    printed, code = sent(program.url)
    assert code == 0 and printed.endswith("  11 of 11 delivered\n"), printed
    assert len(re.findall(r"^  (call|workflow)\.\w+ +succeeded +200$", printed, re.MULTILINE)) == 11
    # It is the program itself: what ends the command ends the receiver.
    program.end()
    with pytest.raises(OSError):
        send(program.url)


def test_use_cases_are_named_behind_flask(programs, tmp_path):
    program = programs([RUN, "flask", "crm", "followup"], **VENV)
    assert sent(program.url)[1] == 0
    program.wait("(crm|followup) done$", 22)
    with sqlite3.connect(tmp_path / "receiver.sqlite") as db:
        assert db.execute("SELECT count(*) FROM contacts").fetchone() == (1,)


def test_the_stand_in_for_slack_and_one_event(programs, tmp_path):
    slack = programs([RUN, "slack"], **VENV)
    api = slack.url.removesuffix("/subverse/webhook") + "/api/"
    program = programs([RUN, "flask", "notify"], SLACK_URL=api, **VENV)
    unhappy = tmp_path / "unhappy.json"
    unhappy.write_bytes(event("call.completed", callId="call_1", customerNumber="+1",
                              analysis={"sentiment": "negative", "summary": "Waited too long"}))
    printed, code = sent(program.url, str(unhappy))
    assert code == 0 and printed.endswith("  1 of 1 delivered\n")
    slack.wait(r"\[#customer-support\] ⚠️ Negative call detected with \+1")


def test_what_is_not_delivered_is_told(programs):
    program = programs([RUN, "flask-signed"], **VENV)
    printed, code = sent(program.url, WEBHOOK_SECRET="whsec_" + "z" * 42 + "A=")
    assert code == 1 and " 0 of 11 delivered" in printed and printed.count("failed     401") == 11


def test_without_a_name_it_tells_what_there_is(programs):
    result = subprocess.run([RUN], capture_output=True, text=True, timeout=20)
    assert result.returncode == 2
    assert "express-seed" in result.stdout and "crm notify analytics followup" in result.stdout
    result = subprocess.run([RUN, "rails"], capture_output=True, text=True, timeout=20)
    assert result.returncode == 1 and "no receiver rails" in result.stderr


def test_the_readme_names_what_is_there():
    text = (RECEIVERS / "README.md").read_text()
    for path in RECEIVERS.rglob("*.*"):
        if path.suffix in {".py", ".js", ".sh"} and path.name != "__init__.py" and "__pycache__" not in path.parts:
            assert path.name in text, path
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        if "://" not in link:
            assert (RECEIVERS / link).exists(), link


def test_the_signed_endpoint_refuses_what_is_no_event(programs):
    program = programs([RUN, "flask-signed"], **VENV)
    for body in (b"{", b"null", b"[]", b"7", b'"text"', b""):
        assert post(program.url, body, signed(body))[0] == 400, body
    assert post(program.url, event(), signed(event()) | {"webhook-timestamp": "9" * 5000})[0] == 401
    assert send(program.url)[0] == 200
