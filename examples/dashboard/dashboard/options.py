"""What the command line says."""

from __future__ import annotations

import argparse
import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Options:
    host: str
    port: int
    data: Path
    environment: str
    allowed_networks: tuple[str, ...]
    token: str | None
    log_attempts: int
    names: tuple[str, ...]

    @property
    def is_loopback(self) -> bool:
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def engine_configuration(self) -> dict[str, Any]:
        """What decides which URLs are accepted, for the engine and for checks alike."""
        return {"environment": self.environment, "allowedNetworks": list(self.allowed_networks)}


def data_home() -> Path:
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "martlet-dashboard"


def read_options(arguments: list[str] | None = None) -> Options:
    parser = argparse.ArgumentParser(
        prog="run.sh", description="A dashboard for Martlet.", formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; other than loopback needs a token")
    parser.add_argument("--port", type=int, default=8089, help="port to listen on, 0 for a free one")
    parser.add_argument("--data", type=Path, default=data_home(), help="folder that is kept between runs")
    parser.add_argument(
        "--environment", choices=("development", "production"), default="development",
        help="production takes https URLs to public addresses only",
    )  # fmt: skip
    parser.add_argument(
        "--allow-network", action="append", default=[], metavar="BLOCK",
        help="a private network that webhooks may reach in production, such as 10.0.0.0/8; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--token", default=os.environ.get("DASHBOARD_TOKEN"),
        help="what a visitor has to give, at least 16 characters; better set as DASHBOARD_TOKEN",
    )  # fmt: skip
    parser.add_argument(
        "--name", action="append", default=[], metavar="HOST",
        help="a host name under which visitors may reach it, beside --host; may be repeated",
    )  # fmt: skip
    parser.add_argument("--log-attempts", type=int, default=200_000, help="attempts that the log keeps")
    given = parser.parse_args(arguments)
    if given.token is not None and len(given.token) < 16:
        parser.error("--token must have at least 16 characters")
    if not 0 <= given.port <= 65535:
        parser.error("--port must be from 0 to 65535")
    given.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Options(
        host=given.host,
        port=given.port,
        data=given.data.resolve(),
        environment=given.environment,
        allowed_networks=tuple(given.allow_network),
        token=given.token,
        log_attempts=given.log_attempts,
        names=tuple(given.name),
    )
