"""Exceptions: one for each status code of the library, all of them `Error`."""

from __future__ import annotations

from ctypes import byref, c_int32, c_size_t

from ._library import library


class Error(Exception):
    """What the library refused or could not do.

    A code that this package does not know yet, from a newer library, is raised as plain `Error`.
    """

    #: The library's number, below zero. It keeps its meaning for ever.
    code: int
    #: Its name, such as "QUEUE_FULL".
    name: str
    #: One line for a person: what is wrong and what is accepted.
    text: str
    #: Of `Engine.push_many`: events accepted before the one that was refused. They stay accepted.
    accepted: int = 0
    #: Of `Engine.push_many`: duplicates among them, which `accepted` does not count.
    duplicates: int = 0

    def __init__(self, code: int, name: str, text: str) -> None:
        super().__init__(code, name, text)
        self.code, self.name, self.text = code, name, text

    def __str__(self) -> str:
        return f"{self.name}: {self.text}"


class InvalidArgumentError(Error, ValueError):
    """An argument has a value outside its range."""


class InvalidJSONError(Error, ValueError):
    """Text that should be JSON is not, or nests too deep."""


class InvalidDocumentError(Error, ValueError):
    """A document has an unknown key, a wrong type or a value that is not accepted; `text` names the key."""


class NotFoundError(Error, LookupError):
    """There is no webhook or delivery with this id."""


class UnknownEventTypeError(Error, ValueError):
    """The event type is neither built in nor configured."""


class QueueFullError(Error):
    """The queue holds as many events or bytes as configured: push again when outcomes arrive."""


class TooLargeError(Error, ValueError):
    """The event is larger than the engine accepts."""


class AddressRefusedError(Error, ValueError):
    """The address guard refuses the URL or the address behind it."""


class TimedOutError(Error, TimeoutError):
    """The time given passed before the work was done; the work goes on."""


class ClosedError(Error):
    """The engine is closed."""


class ForkedError(Error):
    """The engine belongs to a parent process. Open one in this process instead."""


class WrongStateError(Error):
    """The call is not possible as the engine is configured, or as things stand with its object."""


class OutOfResourcesError(Error):
    """Memory, threads, file descriptors or engine handles ran out."""


class VerificationFailedError(Error):
    """A signature or its time is not valid."""


class InternalError(Error):
    """A fault in Martlet itself; please report it."""


class StorageFullError(Error):
    """The disk or the journal's share of it is full: nothing was accepted. Push again when there is room."""


class StorageError(Error):
    """The data directory cannot be used as it is, or the system failed to write it."""


class InUseError(Error):
    """Another engine, of this process or of another, has the data directory open."""


_CLASSES: dict[str, type[Error]] = {
    "INVALID_ARGUMENT": InvalidArgumentError,
    "INVALID_JSON": InvalidJSONError,
    "INVALID_DOCUMENT": InvalidDocumentError,
    "NOT_FOUND": NotFoundError,
    "UNKNOWN_EVENT_TYPE": UnknownEventTypeError,
    "QUEUE_FULL": QueueFullError,
    "TOO_LARGE": TooLargeError,
    "ADDRESS_REFUSED": AddressRefusedError,
    "TIMED_OUT": TimedOutError,
    "CLOSED": ClosedError,
    "FORKED": ForkedError,
    "WRONG_STATE": WrongStateError,
    "OUT_OF_RESOURCES": OutOfResourcesError,
    "VERIFICATION_FAILED": VerificationFailedError,
    "INTERNAL": InternalError,
    "STORAGE_FULL": StorageFullError,
    "STORAGE": StorageError,
    "IN_USE": InUseError,
}


def _read_names() -> dict[int, str]:
    names: dict[int, str] = {}
    status = c_int32()
    while True:
        name = library.martlet_status_at(c_size_t(len(names)), byref(status))
        if name is None:
            return names
        names[status.value] = name.decode()


#: The library's status codes and their names, 0 is "OK".
STATUS_NAMES = _read_names()
OK = 0
TIMED_OUT = next(code for code, name in STATUS_NAMES.items() if name == "TIMED_OUT")
CLOSED = next(code for code, name in STATUS_NAMES.items() if name == "CLOSED")
INVALID_JSON = next(code for code, name in STATUS_NAMES.items() if name == "INVALID_JSON")


def failure(status: int, text: bytes = b"") -> Error:
    """The exception for a status; without a text of its own, the library's for the code."""
    name = STATUS_NAMES.get(status, "UNKNOWN")
    line = text or library.martlet_status_text(status)
    return _CLASSES.get(name, Error)(status, name, line.decode(errors="replace"))
