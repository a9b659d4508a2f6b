"""The C library: finds it, checks its version, and says how its functions are called.

`ctypes.CDLL` releases the interpreter's lock around every call, so other Python threads run meanwhile.
"""

import ctypes
import os
from ctypes import POINTER, c_char_p, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any

__version__ = "0.1.0"

#: The version of `martlet.h` that this module was written for, 0x00MMmmpp.
HEADER_VERSION = 0x00000100

ERROR_SIZE = 512
ID_SIZE = 72


def _load() -> ctypes.CDLL:
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "libmartlet.so.0")
    if not os.path.exists(path):
        raise ImportError(f"martlet: {path} is missing; install the package with pip, which builds it")
    library = ctypes.CDLL(path)
    library.martlet_version_number.restype = c_uint32
    library.martlet_version_number.argtypes = []
    check_version(library.martlet_version_number(), HEADER_VERSION)
    return library


def check_version(library: int, header: int) -> None:
    """Within one major version, functions and fields are only added."""
    if library >> 16 != header >> 16 or library < header:
        raise ImportError(
            f"martlet: the library is version {_version_text(library)}, and this package needs "
            f"{_version_text(header)} or later with the same major number; install the package again"
        )


def _version_text(number: int) -> str:
    return f"{number >> 16}.{number >> 8 & 0xFF}.{number & 0xFF}"


library = _load()

_engine: Any = c_void_p
_text: list[Any] = [c_char_p, c_size_t]
_error: list[Any] = [c_void_p, c_size_t]
_json_out: list[Any] = [POINTER(c_void_p), POINTER(c_size_t)]

# An engine's functions by name: their arguments behind the engine, and all return a status.
_SIGNATURES: dict[str, list[Any]] = {
    "engine_flush": [c_int64],
    "engine_close": [c_int64],
    "engine_stats_json": _json_out,
    "engine_metrics_text": _json_out,
    "engine_event_types_json": _json_out,
    "webhook_create": [*_text, *_json_out, *_error],
    "webhook_update": [*_text, *_text, *_json_out, *_error],
    "webhook_check": [*_text, *_text, *_error],
    "webhook_get": [*_text, *_json_out, *_error],
    "webhook_list": [*_text, *_json_out, *_error],
    "webhook_secrets": [*_text, *_json_out, *_error],
    "webhook_rotate_secret": [*_text, *_text, *_json_out, *_error],
    "webhook_test": [*_text, *_text, *_json_out, *_error],
    "webhook_delete": [*_text, *_error],
    "webhook_set_enabled": [*_text, c_int32, *_error],
    "push": [*_text, *_text, c_uint64, c_void_p, *_error],
    "push_event": [*_text, c_void_p, POINTER(c_int32), *_error],
    "push_json": [*_text, POINTER(c_size_t), POINTER(c_size_t), *_error],
    "event_type_add": [*_text, *_error],
    "outcomes_fd": [POINTER(c_int32)],
    "log_fd": [c_int32, POINTER(c_int32)],
    "log_poll": _json_out,
    "outcomes_poll": [c_void_p, c_size_t, c_size_t, POINTER(c_size_t)],
    "deliveries": [*_text, *_json_out, *_error],
    "delivery_get": [*_text, *_json_out, *_error],
    "redeliver": [*_text, c_void_p, *_error],
    "replay": [*_text, *_json_out, *_error],
    "delivery_cancel": [*_text, *_error],
    "deliveries_cancel": [*_text, POINTER(c_size_t), *_error],
}


def _declare() -> None:
    for name, arguments in _SIGNATURES.items():
        function = getattr(library, f"martlet_{name}")
        function.argtypes = [_engine, *arguments]
        function.restype = c_int32
    for name, arguments in {
        "engine_open_as": [*_text, *_text, POINTER(_engine), *_error],
        "sign": [*_text, *_text, c_int64, *_text, c_void_p, c_size_t, *_error],
        "verify": [*_text, *_text, *_text, *_text, *_text, c_int64, c_int64, *_error],
    }.items():
        function = getattr(library, f"martlet_{name}")
        function.argtypes = arguments
        function.restype = c_int32
    library.martlet_engine_free.argtypes = [_engine]
    library.martlet_engine_free.restype = None
    library.martlet_free.argtypes = [c_void_p]
    library.martlet_free.restype = None
    library.martlet_status_text.argtypes = [c_int32]
    library.martlet_status_text.restype = c_char_p
    library.martlet_status_at.argtypes = [c_size_t, POINTER(c_int32)]
    library.martlet_status_at.restype = c_char_p
    library.martlet_version.argtypes = []
    library.martlet_version.restype = c_char_p


_declare()


def library_version() -> str:
    """The version of the library that was loaded, such as "0.1.0"."""
    version: bytes = library.martlet_version()
    return version.decode()
