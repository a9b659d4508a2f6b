"""One engine of the library: calls its functions, raises their errors, and hands their texts out as Python's own."""

from __future__ import annotations

import ctypes
import json
import weakref
from collections.abc import Callable
from ctypes import byref, c_size_t, c_void_p
from typing import Any

from ._errors import failure
from ._library import ERROR_SIZE, ID_SIZE, __version__, library


class Scratch:
    """Memory for one call's error text and id. Kept and used again: making it costs more than a call."""

    __slots__ = ("error", "error_at", "id", "id_at")

    def __init__(self) -> None:
        self.error = ctypes.create_string_buffer(ERROR_SIZE)
        self.id = ctypes.create_string_buffer(ID_SIZE)
        # Addresses go through ctypes quicker than the buffers.
        self.error_at = ctypes.addressof(self.error)
        self.id_at = ctypes.addressof(self.id)


#: As many as there ever were calls at a time. Taking from a list and giving back are atomic, so threads need no lock.
spare: list[Scratch] = []


def scratch() -> Scratch:
    try:
        return spare.pop()
    except IndexError:
        return Scratch()


def when_gone(owner: object, function: Callable[..., object], argument: object) -> Callable[[], object]:
    """Calls the function once, when nothing refers to the owner any more or the result is called; never at exit."""
    finalizer = weakref.finalize(owner, function, argument)
    # A plain assignment is no error, but some versions of mypy take it for one.
    setattr(finalizer, "atexit", False)  # noqa: B010
    return finalizer


class Handle:
    """The engine's handle, freed when nothing refers to this object any more.

    At the interpreter's exit it is not freed: an open engine does not keep a process, and must not make it wait.
    """

    def __init__(self, configuration: bytes) -> None:
        value = c_void_p()
        name = f"martlet-python/{__version__}".encode()
        error = scratch()
        status = library.martlet_engine_open_as(
            name, len(name), configuration, len(configuration), byref(value), error.error_at, ERROR_SIZE
        )
        if status:
            raise failure(status, error.error.value)
        spare.append(error)
        self.value = value.value
        self._finalizer = when_gone(self, library.martlet_engine_free, value)

    def free(self) -> None:
        self._finalizer()

    def call(self, name: str, *arguments: Any) -> None:
        """Calls `martlet_NAME` with the handle first and the error text last; bytes go in with their length."""
        flat: list[Any] = []
        for argument in arguments:
            flat.append(argument)
            if isinstance(argument, bytes):
                flat.append(len(argument))
        memory = scratch()
        status = getattr(library, "martlet_" + name)(self.value, *flat, memory.error_at, ERROR_SIZE)
        text = memory.error.value if status else b""
        spare.append(memory)
        if status:
            raise failure(status, text)

    def read(self, name: str, *arguments: Any) -> Any:
        """Calls a function that answers with a JSON document."""
        text, length = c_void_p(), c_size_t()
        try:
            self.call(name, *arguments, byref(text), byref(length))
            return json.loads(ctypes.string_at(text, length.value))
        finally:
            library.martlet_free(text)

    def text(self, name: str) -> bytes:
        """Calls a function of the engine alone that answers with a text and has no error text."""
        text, length = c_void_p(), c_size_t()
        status = getattr(library, "martlet_" + name)(self.value, byref(text), byref(length))
        if status:
            raise failure(status)
        try:
            return ctypes.string_at(text, length.value)
        finally:
            library.martlet_free(text)

    def new_id(self, name: str, given: bytes, *more: Any) -> str:
        """Calls a function that writes an id, with what it takes behind it."""
        memory = ctypes.create_string_buffer(ID_SIZE)
        self.call(name, given, memory, *more)
        return memory.value.decode()

    def simple(self, name: str, *arguments: Any) -> int:
        """Calls a function of the engine that has no error text, and returns its status."""
        status: int = getattr(library, "martlet_" + name)(self.value, *arguments)
        return status
