"""What the dashboard itself keeps between runs, beside the engine's own data."""

from __future__ import annotations

import json
import os
import secrets
import threading
from pathlib import Path
from typing import Any


class Settings:
    def __init__(self, folder: Path) -> None:
        self._file = folder / "settings.json"
        self.token_file = folder / "token"
        self._lock = threading.Lock()
        try:
            self._values: dict[str, Any] = json.loads(self._file.read_text())
        except (OSError, ValueError):
            self._values = {}

    def get(self, key: str, default: Any = None) -> Any:
        return self._values.get(key, default)

    def set(self, **values: Any) -> None:
        with self._lock:
            self._values |= values
            _write(self._file, json.dumps(self._values))

    def token(self) -> str:
        """A random token, made at the first run; only its owner can read the file."""
        try:
            token = self.token_file.read_text().strip()
        except OSError:
            token = ""
        if len(token) < 16:
            token = secrets.token_urlsafe(32)
            _write(self.token_file, token + "\n")
        return token


def _write(path: Path, text: str) -> None:
    new = path.with_suffix(".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    new.replace(path)
