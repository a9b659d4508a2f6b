"""Martlet: webhooks out of your program, signed, retried and bounded, without a service to run beside it.

    with martlet.Engine(environment="development") as engine:
        engine.webhooks.create(url="http://127.0.0.1:3000/hook", events=["call.*"])
        engine.push("call.completed", {"callId": "call_1"})

`Engine` has everything; `verify` is for programs that receive webhooks.
"""

from ._documents import Attempt, Delivery, EventType, Pushed, Replay, Secret, TestDelivery, Webhook
from ._engine import Engine, Event
from ._errors import (
    STATUS_NAMES,
    AddressRefusedError,
    ClosedError,
    Error,
    ForkedError,
    InternalError,
    InUseError,
    InvalidArgumentError,
    InvalidDocumentError,
    InvalidJSONError,
    NotFoundError,
    OutOfResourcesError,
    QueueFullError,
    StorageError,
    StorageFullError,
    TimedOutError,
    TooLargeError,
    UnknownEventTypeError,
    VerificationFailedError,
    WrongStateError,
)
from ._library import __version__, library_version
from ._outcomes import Outcome, Outcomes
from ._pages import Pages
from ._signatures import sign, verify
from ._webhooks import Webhooks

# Tracebacks show errors under the name that programs catch them by.
for _class in (Error, *Error.__subclasses__()):
    _class.__module__ = __name__
del _class

__all__ = [
    "STATUS_NAMES",
    "AddressRefusedError",
    "Attempt",
    "ClosedError",
    "Delivery",
    "Engine",
    "Error",
    "Event",
    "EventType",
    "ForkedError",
    "InUseError",
    "InternalError",
    "InvalidArgumentError",
    "InvalidDocumentError",
    "InvalidJSONError",
    "NotFoundError",
    "OutOfResourcesError",
    "Outcome",
    "Outcomes",
    "Pages",
    "Pushed",
    "QueueFullError",
    "Replay",
    "Secret",
    "StorageError",
    "StorageFullError",
    "TestDelivery",
    "TimedOutError",
    "TooLargeError",
    "UnknownEventTypeError",
    "VerificationFailedError",
    "Webhook",
    "Webhooks",
    "WrongStateError",
    "__version__",
    "library_version",
    "sign",
    "verify",
]
