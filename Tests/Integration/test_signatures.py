"""martlet_sign and martlet_verify against the PyPI package standardwebhooks, in both directions."""

import base64
import ctypes
import datetime
import random
import time
from ctypes import c_int64, c_size_t

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from martlet import NAMES, library

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OTHER = "whsec_" + base64.b64encode(bytes(range(100, 124))).decode()


def sized(value):
    value = value if isinstance(value, bytes) else value.encode()
    return value, c_size_t(len(value))


def sign(secrets, event_id, timestamp, body, size=256):
    signature, error = ctypes.create_string_buffer(size), ctypes.create_string_buffer(512)
    status = library.martlet_sign(
        *sized(secrets), *sized(event_id), c_int64(timestamp), *sized(body), signature, c_size_t(size), error, c_size_t(512)
    )
    return NAMES[status], signature.value.decode(), error.value.decode()


def verify(secrets, event_id, timestamp, signatures, body, now=0, tolerance=-1):
    error = ctypes.create_string_buffer(512)
    status = library.martlet_verify(
        *sized(secrets), *sized(event_id), *sized(timestamp), *sized(signatures), *sized(body), c_int64(now),
        c_int64(tolerance), error, c_size_t(512),
    )
    return NAMES[status], error.value.decode()


def bodies():
    generator = random.Random(17)
    yield from ["", "{}", '{"a":"é\U0001f426"}', "x" * 63, "x" * 64, "x" * 65]
    for _ in range(30):
        yield "".join(chr(generator.randrange(0x20, 0x2FF)) for _ in range(generator.randrange(400)))


@pytest.mark.parametrize("secret", [SECRET, OTHER, SECRET.removeprefix("whsec_")])
def test_what_martlet_signs_the_package_signs_alike_and_accepts(secret):
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    for number, body in enumerate(bodies()):
        event_id = f"evt_{number}"
        status, signature, _ = sign(secret, event_id, int(now.timestamp()), body)
        assert status == "OK"
        assert signature == Webhook(secret).sign(event_id, now, body)
        if body.startswith("{"):
            headers = {"webhook-id": event_id, "webhook-timestamp": str(int(now.timestamp())),
                       "webhook-signature": signature}
            Webhook(secret).verify(body, headers)
            with pytest.raises(WebhookVerificationError):
                Webhook(secret).verify(body + " ", headers)


def test_what_the_package_signs_martlet_accepts():
    now = datetime.datetime.now(datetime.timezone.utc)
    seconds = str(int(now.timestamp()))
    for body in bodies():
        signature = Webhook(SECRET).sign("msg_1", now, body)
        assert verify(SECRET, "msg_1", seconds, signature, body) == ("OK", "")
        assert verify(f"{OTHER}\n{SECRET}", "msg_1", seconds, f"v1a,AAAA {signature}", body)[0] == "OK"
        flipped = f"v1,{'B' if signature[3] == 'A' else 'A'}{signature[4:]}"
        for wrong in [
            (OTHER, "msg_1", seconds, signature, body), (SECRET, "msg_2", seconds, signature, body),
            (SECRET, "msg_1", str(int(seconds) + 1), signature, body), (SECRET, "msg_1", seconds, signature, body + "x"),
            (SECRET, "msg_1", seconds, flipped, body), (SECRET, "msg_1", seconds, "v1," + "A" * 44, body),
        ]:
            assert verify(*wrong)[0] == "VERIFICATION_FAILED"


def test_several_secrets_give_several_signatures_in_order():
    now = int(time.time())
    status, both, _ = sign(f"{SECRET} {OTHER}", "evt_1", now, "{}")
    assert status == "OK"
    assert both == f"{sign(SECRET, 'evt_1', now, '{}')[1]} {sign(OTHER, 'evt_1', now, '{}')[1]}"
    headers = {"webhook-id": "evt_1", "webhook-timestamp": str(now), "webhook-signature": both}
    Webhook(SECRET).verify("{}", headers)
    Webhook(OTHER).verify("{}", headers)
    assert verify(OTHER, "evt_1", str(now), both, "{}")[0] == "OK"


@pytest.mark.parametrize("offset", [-301, -300, 0, 300, 301])
def test_the_tolerance_is_that_of_the_package(offset):
    now = 1_700_000_000
    signature = sign(SECRET, "evt_1", now, "{}")[1]
    status, text = verify(SECRET, "evt_1", str(now), signature, "{}", now=now + offset)
    assert status == ("OK" if abs(offset) <= 300 else "VERIFICATION_FAILED")
    assert ("" if status == "OK" else "webhook-timestamp") in text


def test_what_is_missing_or_malformed_is_refused_with_a_reason():
    now = str(int(time.time()))
    good = sign(SECRET, "evt_1", int(now), "{}")[1]
    for arguments, reason in [
        (("", now, good), "webhook-id"), (("a.b", now, good), "webhook-id"), (("evt_1", "", good), "webhook-timestamp"),
        (("evt_1", "soon", good), "webhook-timestamp"), (("evt_1", now, ""), "webhook-signature"),
        (("evt_1", now, good.replace(",", "")), "webhook-signature"), (("evt_1", now, "\xff" * 5000), "webhook-signature"),
    ]:
        status, text = verify(SECRET, *arguments, "{}")
        assert status == "VERIFICATION_FAILED" and reason in text
    for secret in ["", " ", "whsec_", "whsec_!!!!", "whsk_" + SECRET[6:], "whsec_" + base64.b64encode(b"short").decode()]:
        status, text = verify(secret, "evt_1", now, good, "{}")
        assert status == "INVALID_ARGUMENT" and text and (len(secret) < 8 or secret[6:] not in text)
    assert sign(SECRET, "evt_1", -1, "{}")[0] == "INVALID_ARGUMENT"
    assert sign(SECRET, "evt_1", 1, "{}", size=47)[:2] == ("INVALID_ARGUMENT", "")
