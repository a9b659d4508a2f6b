"""Every way to write an address that no webhook may have, through webhook_create and webhook_update."""

import pytest
from martlet import Error

# Blocks that are never public, one address of each; then other spellings of this machine; then URLs that mislead.
PRIVATE_4 = """
    0.0.0.0 0.255.255.255 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.255 169.254.0.1
    169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.192 192.0.2.1 192.31.196.1 192.52.193.1 192.88.99.1
    192.168.0.1 192.168.255.255 192.175.48.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1
    239.255.255.255 240.0.0.1 255.255.255.255
""".split()
PRIVATE_6 = """
    :: ::1 ::2 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:a00:1 ::ffff:0:7f00:1 0:0:0:0:0:0:0:1
    64:ff9b::7f00:1 64:ff9b::10.0.0.1 64:ff9b:1::1 100::1 2001::1 2001:0:53aa:64c:0:0:0:1 2001:10::1 2001:20::1
    2001:db8::1 2002:7f00:1:: 2002:a00:1::1 3fff::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 febf::1 fec0::1 ff02::1
    ff0e::1
""".split()
PUBLIC = """
    1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 169.253.255.255 169.255.0.0
    172.15.255.255 172.32.0.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255
    [2606:4700:4700::1111] [::ffff:1.1.1.1] [64:ff9b::101:101] [2a00::1]
""".split()
SPELLINGS = """
    127.1 127.0.1 0x7f000001 0x7F.1 0x7f.0.0.1 2130706433 017700000001 0177.0.0.1 0177.1 127.0.0.1. 127.1. 0 0x0
    00000000177.0.0.1 4294967295 0xffffffff 167772161 012.0.0.1 0xa9fea9fe 2852039166 169.254.43518 localhost
    LOCALHOST localhost. LocalHost. sub.localhost a.b.localhost. %31%32%37.0.0.1 127%2e0%2e0%2e1 %6cocalhost
    １２７.０.０.１ 127。0。0。1 127．0．0．1 127｡1 ⑫7.0.0.1 ①②⑦.0.0.1 ｌｏｃａｌｈｏｓｔ ⓛocalhost [::1%25lo] [::1%lo] [fe80::1%25eth0]
    [::FFFF:127.0.0.1] [0000:0000:0000:0000:0000:0000:0000:0001]
""".split()
URLS = [
    "https://good@127.0.0.1/", "https://good.example@10.0.0.1/", "https://good:secret@good.example/",
    "https://1.1.1.1@127.0.0.1/", "https://@127.0.0.1/", "https://:@good.example/", "https://1.1.1.1:80@10.0.0.1/",
    "https://good.example\\@127.0.0.1/", "https://127.0.0.1\\@good.example/", "https:\\\\127.0.0.1\\",
    "https:/127.0.0.1/", "https:127.0.0.1", "//127.0.0.1/", "127.0.0.1", "https://good.example#@127.0.0.1/\\",
    "https://127.0.0.1#@good.example/", "https://127.0.0.1?@good.example/", "https://127.0.0.1;good.example/",
    "https://127.0.0.1,good.example/", "https://127.0.0.1 good.example/", "https://127.0.0.1\t/",
    "https://127.0.0\t.1/", "https://\t127.0.0.1/", "https://local\thost/", "https://127.0.0.1\n/",
    "https://127.0.0.1\r\nHost: good.example/", "https://127.0.0.1\x00.example/", " https://127.0.0.1/",
    "https ://127.0.0.1/", "ht\ttps://127.0.0.1/", "https://127.0.0.1:443:80/", "https://good.example:0/",
    "https://good.example:65536/", "https://good.example:-1/", "https://good.example:80a/", "https:///etc/passwd",
    "https://", "https://[::1", "https://::1/", "https://[127.0.0.1]/", "https://[::1]good.example/", "https://./",
    "https://../", "https://%00/", "https://%/", "https://good.example%2f@127.0.0.1/", "http://good.example/",
    "ftp://good.example/", "file:///etc/passwd", "gopher://127.0.0.1:6379/_x", "dict://127.0.0.1/",
    "unix:/run/docker.sock", "data:text/plain,x", "javascript:alert(1)", "ws://good.example/",
    "jar:https://127.0.0.1!/", "url:https://127.0.0.1/", "smtp://127.0.0.1/", "ldap://127.0.0.1/",
    "httpss://good.example/", "s3://bucket/",
]
REFUSED = ([f"https://{a}/" for a in PRIVATE_4 + SPELLINGS] + [f"https://[{a}]/" for a in PRIVATE_6] + URLS
           + [f"https://{a}:8443/hook?x=1" for a in ["10.0.0.1", "127.1", "[::1]", "localhost"]])


@pytest.fixture(scope="module")
def production():
    from martlet import Engine
    engine = Engine(environment="production")
    yield engine
    engine.free()


@pytest.mark.parametrize("url", REFUSED, ids=ascii)
def test_refused_when_created_and_when_updated(production, url):
    webhook = production.webhook("https://receiver.example.com/")
    for call in [lambda: production.webhook(url), lambda: production.update(webhook, url=url)]:
        with pytest.raises(Error, match="ADDRESS_REFUSED|INVALID_DOCUMENT") as caught:
            call()
        assert "url" in caught.value.text and len(caught.value.text) > 10, caught.value.text
        assert "secret" not in caught.value.text
    assert production.get(webhook)["url"] == "https://receiver.example.com/"
    production.delete(webhook)


@pytest.mark.parametrize("address", PRIVATE_4 + [f"[{a}]" for a in PRIVATE_6])
def test_a_literal_address_has_its_own_error(production, address):
    with pytest.raises(Error) as caught:
        production.webhook(f"https://{address}/")
    assert caught.value.name == "ADDRESS_REFUSED"


@pytest.mark.parametrize("host", [*PUBLIC, "receiver.example.com", "xn--bcher-kva.example", "example.com."])
def test_public_ones_are_taken(production, host):
    webhook = production.webhook(f"https://{host}:8443/hook?x=1")
    production.delete(webhook)


@pytest.mark.parametrize("url", [f"http://{host}/" for host in ["127.0.0.1", "127.1", "[::1]", "localhost"]])
def test_development_takes_this_machine(engine, url):
    engine.webhook(url)


@pytest.mark.parametrize("url", [
    "http://10.0.0.1/", "http://169.254.169.254/", "http://[::ffff:10.0.0.1]/", "http://0.0.0.0/",
    "http://[64:ff9b::7f00:1]/", "http://0xa9fea9fe/", "file:///etc/passwd", "http://good@127.0.0.1/",
])
def test_development_takes_no_more_than_that(engine, url):
    with pytest.raises(Error, match="ADDRESS_REFUSED|INVALID_DOCUMENT"):
        engine.webhook(url)
