"""Signing and verifying, as receivers do it."""

from __future__ import annotations

import base64
import time

import pytest

import martlet

ONE, TWO = ("whsec_" + base64.b64encode(text * 32).decode() for text in (b"1", b"2"))


def signed(secret: object, body: str | bytes = b"{}", now: int = 1_764_585_000) -> dict[str, str]:
    signature = martlet.sign(secret, "evt_1", now, body)  # type: ignore[arg-type]
    return {"webhook-id": "evt_1", "webhook-timestamp": str(now), "webhook-signature": signature}


def test_header_names_in_any_case_and_bodies_of_either_kind() -> None:
    now = int(time.time())
    headers = signed(ONE, "ü", now)
    martlet.verify(ONE, headers, "ü")
    martlet.verify(ONE, headers, "ü".encode())
    martlet.verify(ONE, {name.title(): value for name, value in headers.items()}, "ü")


def test_several_secrets() -> None:
    headers = signed([ONE, TWO])
    assert len(headers["webhook-signature"].split(" ")) == 2
    martlet.verify(TWO, headers, b"{}", now=1_764_585_000)
    martlet.verify((ONE, TWO), signed(TWO), b"{}", now=1_764_585_000)
    many = ["whsec_" + base64.b64encode(bytes([number]) * 32).decode() for number in range(16)]
    assert len(signed(many)["webhook-signature"].split(" ")) == 16


@pytest.mark.parametrize("change", ["body", "secret", "old", "missing", "strange"])
def test_what_is_not_genuine_is_refused(change: str) -> None:
    headers = signed(ONE)
    if change == "missing":
        headers.clear()
    if change == "strange":
        headers["webhook-signature"] = "v1,\u00e9\udcff\0"
    with pytest.raises(martlet.VerificationFailedError) as caught:
        martlet.verify(
            TWO if change == "secret" else ONE,
            headers,
            b"{ }" if change == "body" else b"{}",
            now=1_764_585_000 + (301 if change == "old" else 0),
        )
    assert caught.value.text


def test_a_secret_that_cannot_be_read_is_not_shown() -> None:
    with pytest.raises(martlet.InvalidArgumentError) as caught:
        martlet.sign("whsec_tooshort", "evt_1", 1, b"")
    assert "tooshort" not in str(caught.value)
