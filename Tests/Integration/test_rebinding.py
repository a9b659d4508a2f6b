"""Names that lie: their answers change, or mix public and private addresses. The engine runs in a process of its own,
under a resolver of the test's (resolver.c), which also writes down every address that is dialled."""

import json
import os
import pathlib
import ssl
import subprocess
import sys
import time

import hostile
import pytest
from receiver import Answer, Receiver

SOURCE = pathlib.Path(__file__).with_name("resolver.c")


@pytest.fixture(scope="session")
def preload(tmp_path_factory):
    library = tmp_path_factory.mktemp("resolver") / "resolver.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-o", library, SOURCE, "-ldl"], check=True)
    return library


@pytest.fixture
def under(preload, tmp_path):
    """Runs a function of this file in a child; gives its result, with the addresses that were dialled."""
    hosts, dials = tmp_path / "hosts", tmp_path / "dials"

    def run(function, names, **arguments):
        hosts.write_text(names)
        dials.write_text("")
        environment = os.environ | {"LD_PRELOAD": str(preload), "FAKE_HOSTS": str(hosts), "FAKE_DIALS": str(dials),
                                    "FAKE_CLOCK": str(tmp_path / "clock")}
        child = subprocess.run([sys.executable, __file__, function.__name__, json.dumps(arguments)], env=environment,
                               capture_output=True, text=True, timeout=60, check=False)
        assert child.returncode == 0, child.stderr
        return json.loads(child.stdout), [line.split()[0] for line in dials.read_text().splitlines()]

    return run


@pytest.fixture(scope="module")
def tls_receiver(tmp_path_factory):
    authority = hostile.Authority(tmp_path_factory.mktemp("rebinding-tls"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("name", "DNS:mixed.test,DNS:later.test"))
    receiver = Receiver(tls=context)
    receiver.authority = authority
    yield receiver
    receiver.close()


# ---- In the child ----


def told(engine, outcome):
    from martlet import FAILURES
    return {"state": outcome.state, "failure": FAILURES[outcome.failure], "status": outcome.http_status,
            "attempts": engine.delivery(outcome)["attempts"]}


def send(configuration, urls):
    """One event, to a webhook of each URL."""
    from martlet import DELIVERY, Engine
    engine = Engine(**configuration)
    for url in urls:
        engine.webhook(url)
    engine.push()
    results = [told(engine, outcome) for outcome in engine.settle(1) if outcome.kind == DELIVERY]
    engine.free()
    return results


def rebind(url, other, answer):
    """The first attempt is answered with 503. Then the name changes, and time passes what libcurl remembers of it."""
    from martlet import DELIVERY, Engine
    # The clock leaps under way: a timeout must not mistake that for slowness, nor an attempt be in flight then.
    engine = Engine(retry={"delaysSeconds": [90], "jitter": 0}, lanes=1, timeoutMs=5000)
    engine.webhook(url, ["call.completed"])
    engine.webhook(other, ["call.placed"])
    engine.push(tag=1)
    end = time.monotonic() + 20
    while not any(d["attemptCount"] == 1 and d["nextAttemptAt"] for d in engine.deliveries()):
        assert time.monotonic() < end, "the first attempt does not end"
        time.sleep(0.005)
    pathlib.Path(os.environ["FAKE_HOSTS"]).write_text(f"rebound.test {answer}\n")
    pathlib.Path(os.environ["FAKE_CLOCK"]).touch()
    # Anything wakes the lane, which else would sleep as long as it meant to.
    engine.push(type="call.placed", tag=2)
    seen = engine.settle(2, 300)
    (outcome,) = [o for o in seen if o.kind == DELIVERY and o.tag == 1]
    result = told(engine, outcome)
    engine.free()
    return result


# ---- In the tests ----


@pytest.mark.parametrize("answer", [
    "10.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "fd00::1", "0.0.0.0", "64:ff9b::a00:1",
])
def test_an_answer_that_changes_between_two_attempts(under, receivers, answer):
    receiver, other = receivers(Answer(503, headers={"Connection": "close"})), receivers()
    result, dials = under(rebind, "rebound.test 127.0.0.1\n", url=f"http://rebound.test:{receiver.port}/",
                          other=other.url(), answer=answer)
    assert (result["state"], result["failure"], result["status"]) == (2, "addressRefused", 0)
    first, second = result["attempts"]
    assert (first["status"], second["status"], second["errorClass"]) == (503, None, "address_refused")
    assert "refused by the address guard" in second["error"]
    assert set(dials) == {"127.0.0.1"} and len(receiver.requests) == 1


def test_the_same_answer_again_is_dialled_again(under, receivers):
    # What makes the test above one of the guard, and not of the clock.
    receiver = receivers(lambda r: Answer(503 if r.attempt == 1 else 200, headers={"Connection": "close"}))
    result, _ = under(rebind, "rebound.test 127.0.0.1\n", url=f"http://rebound.test:{receiver.port}/",
                      other=receivers().url(), answer="127.0.0.1")
    assert [a["status"] for a in result["attempts"]] == [503, 200] and result["state"] == 1


def test_a_change_from_a_private_address_to_an_allowed_one_is_taken(under, receivers):
    receiver = receivers()
    result, dials = under(rebind, "rebound.test 10.0.0.1\n", url=f"http://rebound.test:{receiver.port}/",
                          other=receivers().url(), answer="127.0.0.1")
    assert [(a["status"], a["errorClass"]) for a in result["attempts"]] == [(None, "address_refused"), (200, None)]
    assert set(dials) == {"127.0.0.1"}


@pytest.mark.parametrize("names", ["10.0.0.1,1.1.1.1", "1.1.1.1,10.0.0.1", "fd00::1,127.0.0.1,1.1.1.1,169.254.169.254",
                                   "::1,::ffff:127.0.0.1,1.1.1.1"])
def test_of_mixed_answers_only_the_public_address_is_dialled(under, tls_receiver, names):
    before = len(tls_receiver.requests)
    (result,), dials = under(send, f"mixed.test {names}\n", urls=[f"https://mixed.test:{tls_receiver.port}/"],
                             configuration={"environment": "production", "caFile": tls_receiver.authority.file})
    assert (result["state"], result["status"], len(result["attempts"])) == (1, 200, 1)
    assert set(dials) == {"1.1.1.1"} and len(tls_receiver.requests) == before + 1


PRIVATE = """127.0.0.1 10.1.2.3 172.16.0.1 192.168.1.1 100.64.0.1 169.254.169.254 0.0.0.0 198.18.0.1 224.0.0.1 240.0.0.1
    255.255.255.255 192.0.2.1 ::1 :: fe80::1 fc00::1 ff02::1 2002:7f00:1:: 2001::1 ::ffff:127.0.0.1 ::127.0.0.1
    64:ff9b::7f00:1 10.0.0.1,192.168.0.1,::1""".split()


def test_names_with_private_addresses_only_fail_with_their_own_class(under, tls_receiver):
    before = len(tls_receiver.requests)
    names = {f"p{number}.later.test": addresses for number, addresses in enumerate(PRIVATE)}
    results, dials = under(
        send, "".join(f"{name} {addresses}\n" for name, addresses in names.items()),
        urls=[f"https://{name}:{tls_receiver.port}/" for name in names], configuration={
            "environment": "production", "retry": {"delaysSeconds": []}, "caFile": tls_receiver.authority.file})
    assert len(results) == len(PRIVATE)
    for result in results:
        assert (result["state"], result["failure"], result["status"]) == (2, "addressRefused", 0)
        (attempt,) = result["attempts"]
        assert attempt["errorClass"] == "address_refused" and "address guard" in attempt["error"]
    assert dials == [] and len(tls_receiver.requests) == before


def test_an_allowed_network_opens_a_private_answer(under, tls_receiver):
    (result,), dials = under(
        send, "mixed.test 127.0.0.1\n", urls=[f"https://mixed.test:{tls_receiver.port}/"], configuration={
            "environment": "production", "caFile": tls_receiver.authority.file, "allowedNetworks": ["127.0.0.0/8"]})
    assert (result["state"], result["status"], dials) == (1, 200, ["127.0.0.1"])


def test_a_name_that_does_not_exist_is_a_fault_of_dns(under):
    (result,), dials = under(send, "", urls=["http://nowhere.test/"], configuration={"retry": {"delaysSeconds": [0]}})
    assert (result["state"], result["failure"], result["status"], dials) == (2, "dns", 0, [])
    assert [a["errorClass"] for a in result["attempts"]] == ["dns", "dns"] and result["attempts"][0]["error"]


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](**json.loads(sys.argv[2]))))
