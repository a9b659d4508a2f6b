"""`engine.webhooks`: who wants which events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._documents import Secret, TestDelivery, Webhook
from ._handle import Handle
from ._json import Document, document, text_bytes, to_bytes
from ._pages import Pages

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._keys import RotationKeys, WebhookKeys, WebhookListKeys

Secrets = list[Secret]


class Webhooks:
    """The webhooks of an engine. Every call may come from any thread.

    Documents are given as keywords in snake_case, or as a mapping or ready JSON with the keys of the configuration
    reference, which also holds what each accepts. What is wrong with one raises `InvalidDocumentError`, whose text
    names the key.
    """

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    def create(self, webhook: Document | None = None, /, **keys: Unpack[WebhookKeys]) -> Webhook:
        """Registers a webhook; `url` and `events` are needed. Without a `secret` one is made, see `secrets`.

        Events pushed after the return see it. Raises `AddressRefusedError` for a URL that the address guard does not
        let through.
        """
        return Webhook.read(self._handle.read("webhook_create", document(webhook, keys)))

    def get(self, id: str) -> Webhook:
        """Reads a webhook, without its secrets. Raises `NotFoundError`."""
        return Webhook.read(self._handle.read("webhook_get", text_bytes(id, "id")))

    def list(self, query: Document | None = None, /, **keys: Unpack[WebhookListKeys]) -> Pages[Webhook]:
        """All webhooks in the order of their creation. `limit` is the size of a page, 1 to 1000, by default 100.

        With `health=True` each has `document["health"]`, how its receiver does now: `breaker`, `pending`, `inFlight`,
        `failingSince`, `pausedUntil`.
        """
        return Pages(self._handle, "webhook_list", "webhooks", document(query, keys), Webhook.read)

    def update(self, id: str, change: Document | None = None, /, **keys: Unpack[WebhookKeys]) -> Webhook:
        """Changes the keys that are given; None puts a default back. Lists and objects are replaced whole.

        Attempts that start after the return use the new values. Raises `NotFoundError`.
        """
        return Webhook.read(self._handle.read("webhook_update", text_bytes(id, "id"), document(change, keys)))

    def check(self, webhook: Document | None = None, /, *, id: str | None = None, **keys: Unpack[WebhookKeys]) -> None:
        """Raises what `create` would raise, or `update` where there is an `id`, and changes nothing."""
        self._handle.call("webhook_check", b"" if id is None else text_bytes(id, "id"), document(webhook, keys))

    def delete(self, id: str) -> None:
        """Deletes a webhook and cancels its deliveries that are not settled. Raises `NotFoundError`."""
        self._handle.call("webhook_delete", text_bytes(id, "id"))

    def enable(self, id: str) -> None:
        """Lets a webhook get events again; what was pending for it goes on. Raises `NotFoundError`."""
        self._handle.call("webhook_set_enabled", text_bytes(id, "id"), 1)

    def disable(self, id: str) -> None:
        """Starts no attempts for a webhook until it is enabled; new events pass it by. Raises `NotFoundError`."""
        self._handle.call("webhook_set_enabled", text_bytes(id, "id"), 0)

    def secrets(self, id: str) -> Secrets:
        """The secrets that are live, the current one first, for whoever runs the receiver. Raises `NotFoundError`."""
        return _secrets(self._handle.read("webhook_secrets", text_bytes(id, "id")))

    def rotate_secret(self, id: str, options: Document | None = None, /, **keys: Unpack[RotationKeys]) -> Secrets:
        """Makes a new secret the current one, `secret` or a random one, and returns those that are live.

        The former ones go on signing beside it for `overlap_seconds`, 0 to 604800, by default a day. Raises
        `NotFoundError`.
        """
        return _secrets(self._handle.read("webhook_rotate_secret", text_bytes(id, "id"), document(options, keys)))

    def test(self, id: str, event_type: str, data: Any = None) -> TestDelivery:
        """Sends a test now, once, also to a disabled webhook; with the sample of the type where `data` is None.

        The result comes as outcomes, and `Engine.delivery` reads it. Raises `NotFoundError`, `UnknownEventTypeError`
        and `QueueFullError`.
        """
        request: dict[str, Any] = {"eventType": event_type}
        if data is not None:
            request["data"] = data
        return TestDelivery.read(self._handle.read("webhook_test", text_bytes(id, "id"), to_bytes(request)))


def _secrets(answer: dict[str, Any]) -> Secrets:
    return [Secret.read(secret) for secret in answer["secrets"]]
