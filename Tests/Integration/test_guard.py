"""Which addresses a webhook may have."""

import pytest
from martlet import FAILED, FAILURES, SUCCEEDED, Error


@pytest.mark.parametrize("url", [
    "http://example.com/", "https://127.0.0.1/", "https://10.1.2.3/", "https://[::1]/", "https://192.168.0.1/",
    "https://169.254.169.254/latest", "https://2130706433/", "https://0x7f.1/", "https://[::ffff:127.0.0.1]/",
])
def test_production_refuses(engines, url):
    with pytest.raises(Error, match="ADDRESS_REFUSED|INVALID_DOCUMENT") as caught:
        engines(environment="production").webhook(url)
    assert caught.value.text


def test_production_refuses_a_name_that_resolves_to_this_machine(engines):
    engine = engines(environment="production", retry={"delaysSeconds": []})
    try:
        engine.webhook("https://localhost/")
    except Error as error:
        assert error.name == "ADDRESS_REFUSED"
        return
    engine.push()
    outcome = engine.one()
    assert (outcome.state, FAILURES[outcome.failure]) == (FAILED, "addressRefused")


def test_development_takes_this_machine_but_no_private_network(engine, receiver):
    engine.webhook(receiver.url().replace("127.0.0.1", "localhost"))
    engine.push()
    assert engine.one().state == SUCCEEDED
    with pytest.raises(Error, match="ADDRESS_REFUSED"):
        engine.webhook("http://10.1.2.3/")


def test_a_private_network_can_be_allowed(engines):
    engine = engines(allowedNetworks=["10.1.0.0/16"])
    engine.webhook("http://10.1.2.3/")
    with pytest.raises(Error, match="ADDRESS_REFUSED"):
        engine.webhook("http://10.2.2.3/")


def test_proxies_of_the_environment_are_ignored(engines, receivers, monkeypatch):
    proxy, receiver = receivers(), receivers()
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]:
        monkeypatch.setenv(name, proxy.url())
    engine = engines()
    engine.webhook(receiver.url())
    engine.push()
    assert engine.one().state == SUCCEEDED
    assert len(receiver.requests) == 1 and proxy.requests == []
