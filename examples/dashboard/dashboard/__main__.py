"""Opens the engine, then serves the pages until SIGINT or SIGTERM."""

from __future__ import annotations

import signal
import sys
from types import FrameType

import martlet
from waitress.server import create_server

from .app import create_app
from .demo import DemoReceivers
from .hub import Hub
from .options import Options, read_options
from .settings import Settings


def open_engine(options: Options) -> martlet.Engine:
    return martlet.Engine(
        options.engine_configuration(),
        data_directory=str(options.data / "engine"),
        # The dashboard shows what becomes of every delivery; the hub takes them all.
        outcomes="deliveries",
        log_retention={"attempts": options.log_attempts},
        # Bursts of the Simulate page go to every webhook of the demo.
        queue={"maxEvents": 200_000},
    )


def main() -> int:
    options = read_options()
    try:
        engine = open_engine(options)
    except martlet.InUseError:
        print(f"dashboard: another dashboard has {options.data} open; give --data another folder", file=sys.stderr)
        return 1
    except martlet.Error as error:
        print(f"dashboard: {error.text}", file=sys.stderr)
        return 1
    settings = Settings(options.data)
    hub = Hub(engine)
    demo = DemoReceivers(engine, settings, options.environment)
    token = options.token or (None if options.is_loopback else settings.token())
    app = create_app(options, engine, hub, demo, token)
    try:
        server = create_server(
            app, host=options.host, port=options.port, threads=24, channel_timeout=60, ident=None,
            max_request_body_size=4 << 20, clear_untrusted_proxy_headers=True,
            # Deliveries may have a thousand connections open, and select() knows no higher numbers.
            asyncore_use_poll=True,
        )  # fmt: skip
    except OSError as error:
        print(f"dashboard: cannot listen on {options.host}:{options.port}: {error.strerror}", file=sys.stderr)
        engine.close(0)
        return 1

    def end(_number: int, _frame: FrameType | None) -> None:
        # First the pages that listen: the server waits for what is under way.
        hub.close()
        raise SystemExit(0)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    app.config["PORT"] = server.effective_port
    demo.resume()
    hub.start()
    host = f"[{options.host}]" if ":" in options.host else options.host
    print(f"Martlet dashboard ({options.environment}) on http://{host}:{server.effective_port}/", flush=True)
    print(f"  data: {options.data}", flush=True)
    if token and not options.token:
        print(f"  token: in {settings.token_file}", flush=True)
    try:
        server.run()
    except SystemExit:
        pass
    finally:
        hub.close()
        demo.stop()
        server.close()
        # What is pending stays in the data directory and goes on at the next start.
        engine.close(1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
