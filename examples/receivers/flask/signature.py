"""Checks the signature of a webhook request, with the standard library alone (Standard Webhooks 1.0.0)."""

import base64
import hmac
import time

TOLERANCE_SECONDS = 5 * 60


def is_genuine(secret, headers, body, now=None):
    """True when `body` (bytes, exactly as received) was signed with `secret` (`whsec_...`) not long ago."""
    event_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if not timestamp.isascii() or not timestamp.isdigit():
        return False
    if abs((time.time() if now is None else now) - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{event_id}.{timestamp}.".encode() + body
    expected = base64.b64encode(hmac.digest(key, signed, "sha256"))
    # One signature for each secret in use; one that matches is enough.
    for token in headers.get("webhook-signature", "").split(" "):
        version, _, signature = token.partition(",")
        if version == "v1" and hmac.compare_digest(signature.encode(), expected):
            return True
    return False
