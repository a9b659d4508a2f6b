"""Whether the dashboard's lists stay quick and its memory flat with a long log.

    dashboard.py [--deliveries 100000] [--webhooks 1000] [--requests 40]

Starts the dashboard, registers webhooks of a receiver of this process, pushes events until the log holds so many
deliveries, then asks for each list page in turn. Prints the milliseconds of each answer, median and worst, as the client
sees them, and the resident memory of the dashboard before and after. Needs the packages of Tests/Dashboard.
"""

import argparse
import pathlib
import statistics
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Dashboard"))

from support import Client, Dashboard  # noqa: E402


class Answer(BaseHTTPRequestHandler):
    """Answers 200 to most and 400 to one webhook in ten, which makes failed deliveries without retries."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        status = 400 if self.path.endswith("0") else 200
        self.wfile.write(b"HTTP/1.1 %d X\r\ncontent-length: 2\r\n\r\nok" % status)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024

    def handle_error(self, *_):
        pass


def resident_megabytes(process):
    for line in pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def settled(client):
    counts = client.get("/api/overview")["deliveries"]
    return counts["succeeded"] + counts["failed"]


def fill(client, url, webhooks, deliveries):
    """Each event goes to every webhook."""
    with ThreadPoolExecutor(4) as pool:
        made = pool.map(
            lambda number: client.call(
                "POST", "/api/webhooks",
                {"url": f"{url}/{number}", "events": ["*"], "description": f"Receiver {number}", "retry": {"delaysSeconds": []}},
            ),
            range(webhooks),
        )  # fmt: skip
        ids = [each["webhook"]["id"] for each in made]
    events = -(-deliveries // webhooks)
    client.call("POST", "/api/simulate", {"eventType": "call.completed", "data": '{"callId": "call_1"}', "count": events})
    # The condition is the engine's own count; between two looks it has the processor.
    pause = threading.Event()
    end = time.monotonic() + 600
    while settled(client) < events * webhooks:
        assert time.monotonic() < end, "the deliveries were not settled in ten minutes"
        pause.wait(1)
    return ids


def measure(client, path, requests):
    times = []
    for _ in range(requests):
        start = time.perf_counter()
        client.get(path)
        times.append((time.perf_counter() - start) * 1000)
    return times


def main(arguments=None):
    parser = argparse.ArgumentParser(description="The dashboard with a long log.")
    parser.add_argument("--deliveries", type=int, default=100_000)
    parser.add_argument("--webhooks", type=int, default=1000)
    parser.add_argument("--requests", type=int, default=40)
    given = parser.parse_args(arguments)
    server = Server(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as data:
        dashboard = Dashboard(data)
        try:
            client = Client(dashboard)
            ids = fill(client, f"http://127.0.0.1:{server.server_port}", given.webhooks, given.deliveries)
            middle = ids[len(ids) // 2]
            # The middle of the log, as somebody gets there by "Show older".
            cursor = client.get("/api/deliveries")["cursor"] or ""
            newest = client.get("/api/deliveries")["deliveries"][0]["id"]
            pages = {
                "webhooks, first page": "/api/webhooks",
                "webhooks, second page": f"/api/webhooks?cursor={client.get('/api/webhooks')['cursor'] or ''}",
                "webhooks, search": "/api/webhooks?text=receiver+9",
                "one webhook": f"/api/webhooks/{middle}",
                "deliveries, newest": "/api/deliveries",
                "deliveries, next page": f"/api/deliveries?cursor={cursor}",
                "deliveries, failed": "/api/deliveries?state=failed",
                "deliveries of a webhook": f"/api/deliveries?webhookId={middle}",
                "undelivered": "/api/deliveries?state=undelivered",
                "one delivery": f"/api/deliveries/{newest}",
                "overview": "/api/overview",
            }
            # Once around, so that what is allocated once is there.
            for path in pages.values():
                measure(client, path, given.requests)
            before = resident_megabytes(dashboard.process)
            worst = 0.0
            print(f"{settled(client)} deliveries, {len(ids)} webhooks, {given.requests} requests of each page")
            for name, path in pages.items():
                times = measure(client, path, given.requests)
                worst = max(worst, statistics.median(times))
                print(f"{name:26} median {statistics.median(times):7.1f} ms   worst {max(times):7.1f} ms", flush=True)
            after = resident_megabytes(dashboard.process)
            print(f"resident memory {before:.1f} MB before, {after:.1f} MB after {given.requests * len(pages)} requests")
            print(f"slowest median {worst:.1f} ms, memory grew by {after - before:.1f} MB")
            return worst, after - before
        finally:
            dashboard.close()
            server.shutdown()
            server.server_close()


if __name__ == "__main__":
    main()
