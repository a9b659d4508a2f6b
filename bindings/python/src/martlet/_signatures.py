"""Standard Webhooks signatures, for programs that receive webhooks and for tests. No engine is needed."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Mapping
from typing import Union

from ._errors import failure
from ._handle import scratch, spare
from ._library import ERROR_SIZE, library

#: One secret, `whsec_` and base64, or several, as while one is being rotated.
AnySecrets = Union[str, Iterable[str]]


def sign(secret: AnySecrets, id: str, timestamp: int, body: str | bytes) -> str:
    """The value of the header `webhook-signature`: one signature for each secret.

    `id` is the value of `webhook-id`, `timestamp` that of `webhook-timestamp` in unix seconds, `body` the request's
    body as it is sent. Raises `InvalidArgumentError`, whose text never shows a secret.
    """
    secrets = _joined(secret)
    name, content = id.encode(), _bytes(body)
    # A signature takes 48 bytes, and the library takes 16 secrets at the most.
    size = 1024
    signature = ctypes.create_string_buffer(size)
    memory = scratch()
    status = library.martlet_sign(
        secrets,
        len(secrets),
        name,
        len(name),
        timestamp,
        content,
        len(content),
        signature,
        size,
        memory.error_at,
        ERROR_SIZE,
    )
    text = memory.error.value
    spare.append(memory)
    if status:
        raise failure(status, text)
    return signature.value.decode()


def verify(
    secret: AnySecrets,
    headers: Mapping[str, str],
    body: str | bytes,
    *,
    tolerance: int = 300,
    now: int | None = None,
) -> None:
    """Checks that a request was signed with the secret, or one of several, not long ago.

    Give the request's headers as your framework has them, and the body as it was received, before anything has parsed
    it. `tolerance` is how far the request's time may be from the clock in seconds, either way; `now` is the clock in
    unix seconds, by default the system's.

    Raises `VerificationFailedError`, whose text says why: answer such a request with 401 and believe nothing of it.
    `InvalidArgumentError` where a secret cannot be read.
    """
    secrets, content = _joined(secret), _bytes(body)
    id, timestamp, signatures = (_header(headers, f"webhook-{name}") for name in ("id", "timestamp", "signature"))
    memory = scratch()
    status = library.martlet_verify(
        secrets, len(secrets), id, len(id), timestamp, len(timestamp), signatures, len(signatures), content,
        len(content), 0 if now is None else now, tolerance, memory.error_at, ERROR_SIZE,
    )  # fmt: skip
    text = memory.error.value
    spare.append(memory)
    if status:
        raise failure(status, text)


def _joined(secret: AnySecrets) -> bytes:
    if not isinstance(secret, (str, Iterable)):
        raise TypeError(f"the secret must be a str, or several, not {type(secret).__name__}")
    return (secret if isinstance(secret, str) else " ".join(secret)).encode()


def _bytes(body: str | bytes) -> bytes:
    if not isinstance(body, (str, bytes, bytearray, memoryview)):
        raise TypeError(f"the body must be str or bytes as it was received, not {type(body).__name__}")
    return body.encode() if isinstance(body, str) else bytes(body)


def _header(headers: Mapping[str, str], name: str) -> bytes:
    value = headers.get(name)
    if value is None:
        # A plain dict tells capital letters from small ones; headers do not.
        value = next((value for key, value in headers.items() if key.lower() == name), "")
    # Frameworks decode the bytes of headers as Latin-1; what is no header of ours then fails to verify.
    return value.encode("utf-8", errors="replace")
