"""Martlet's own messages for `logging`.

The library keeps them and tells by a pipe; a thread of Python's own takes them. So no thread of the library ever runs
Python, which could not be held back safely while the interpreter exits.
"""

from __future__ import annotations

import ctypes
import json
import logging
import os
import select
import threading
import traceback
from ctypes import byref, c_int32, c_size_t, c_void_p
from typing import Any, Optional

from ._errors import failure
from ._handle import Handle
from ._json import time
from ._library import library

_LEVELS = {"error": logging.ERROR, "warning": logging.WARNING, "info": logging.INFO, "debug": logging.DEBUG}


class LogPump:
    """Moves the messages of one engine to a logger.

    It knows the engine by its number alone, so that an engine which nothing else refers to is freed; that ends the thread.
    """

    def __init__(self, handle: Handle) -> None:
        self._number = handle.value
        self._logger: Optional[logging.Logger] = None
        self._descriptor = -1
        # A handler may come back here by closing the engine.
        self._lock = threading.RLock()

    def set(self, logger: logging.Logger | None, level: int | None) -> None:
        """Where messages go from here on; None for nowhere."""
        if logger is None:
            if self._descriptor >= 0:
                self._ask(0)
            self._logger = None
            return
        if not isinstance(logger, logging.Logger):
            raise TypeError(f"logger must be a logging.Logger, not {type(logger).__name__}")
        # What has no level here is nearer to the more urgent one.
        wanted = logger.getEffectiveLevel() if level is None else level
        minimum = next((number for number, name in enumerate(_LEVELS, 1) if _LEVELS[name] <= wanted), len(_LEVELS))
        self._logger = logger
        descriptor = self._ask(minimum)
        if self._descriptor < 0:
            self._descriptor = os.dup(descriptor)
            threading.Thread(target=self._run, name="martlet-log", daemon=True).start()

    def _ask(self, minimum: int) -> int:
        fd = c_int32()
        status = library.martlet_log_fd(self._number, minimum, byref(fd))
        if status:
            raise failure(status)
        return fd.value

    def _run(self) -> None:
        poller = select.poll()
        poller.register(self._descriptor, select.POLLIN)
        try:
            while True:
                poller.poll()
                if not self.take():
                    return
        finally:
            os.close(self._descriptor)

    def take(self) -> bool:
        """Hands on what waits; False when no more comes."""
        with self._lock:
            text, length = c_void_p(), c_size_t()
            if library.martlet_log_poll(self._number, byref(text), byref(length)):
                return False
            try:
                batch: dict[str, Any] = json.loads(ctypes.string_at(text, length.value))
            finally:
                library.martlet_free(text)
            logger = self._logger
            if logger is not None:
                for message in batch["messages"]:
                    _emit(logger, message)
                if batch["dropped"]:
                    _emit(logger, {"level": "warning", "text": f"{batch['dropped']} messages of Martlet were dropped"})
            return not batch["ended"]


def _emit(logger: logging.Logger, message: dict[str, Any]) -> None:
    level = _LEVELS.get(message["level"], logging.ERROR)
    if not logger.isEnabledFor(level):
        return
    record = logger.makeRecord(logger.name, level, "martlet", 0, message["text"], (), None)
    made = time(message.get("time"))
    if made is not None:
        record.created = made.timestamp()
        record.msecs = made.microsecond // 1000
    try:
        logger.handle(record)
    except Exception:
        # As the handlers of `logging` themselves do; the next messages are to come all the same.
        if logging.raiseExceptions:
            traceback.print_exc()
