"""Checks the signature of a webhook request, with the standard library alone (Standard Webhooks 1.0.0)."""

import base64
import hmac
import time

TOLERANCE_SECONDS = 5 * 60


def is_genuine(secrets, headers, body, now=None):
    """True when `body` (bytes, exactly as received) was signed with one of `secrets` not long ago.

    `secrets` is one secret, `whsec_...`, or several in a list or with spaces between: while a secret is being rotated,
    the old and the new one are valid.
    """
    event_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if not event_id or not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        return False
    if abs((time.time() if now is None else now) - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    signed = f"{event_id}.{timestamp}.".encode() + body
    expected = [base64.b64encode(hmac.digest(key, signed, "sha256")) for key in keys(secrets)]
    # The sender signs with each secret that it has in use; one that matches is enough.
    is_valid = False
    for token in headers.get("webhook-signature", "").split(" "):
        version, _, signature = token.partition(",")
        for wanted in expected:
            is_valid |= version == "v1" and hmac.compare_digest(signature.encode(), wanted)
    return is_valid


def keys(secrets):
    """The bytes of the secrets. Raises ValueError, which does not show them."""
    found = []
    for secret in secrets.split() if isinstance(secrets, str) else secrets:
        try:
            key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except ValueError:
            key = b""
        if not 24 <= len(key) <= 64:
            raise ValueError("a webhook secret is whsec_ and the base64 of 24 to 64 bytes")
        found.append(key)
    if not found:
        raise ValueError("there is no webhook secret")
    return found
