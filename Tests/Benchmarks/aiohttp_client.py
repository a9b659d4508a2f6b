"""An aiohttp client for the benchmark table: one session, one task for each delivery in flight.

Prints one JSON line.
"""

import argparse
import asyncio
import ipaddress
import json
import re
import resource
import sys
import time
from pathlib import Path

import aiohttp


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--hosts", type=int, default=1)
    parser.add_argument("--headers", type=Path, required=True)
    parser.add_argument("--body", type=Path, required=True)
    parser.add_argument("--count", type=int, default=10000)
    parser.add_argument("--warm-up", type=int, default=500)
    parser.add_argument("--in-flight", type=int, default=64)
    return parser.parse_args()


async def run(session: aiohttp.ClientSession, urls: list[str], body: bytes, total: int, in_flight: int) -> None:
    """Makes `total` deliveries, `in_flight` at a time; the first failure ends the run."""
    deliveries = iter(range(total))

    async def worker() -> None:
        for delivery in deliveries:
            async with session.post(urls[delivery % len(urls)], data=body) as response:
                await response.read()
                if response.status != 200:
                    raise RuntimeError(f"status {response.status}")

    await asyncio.gather(*(worker() for _ in range(in_flight)))


def peak_kib() -> int:
    """VmHWM, because ru_maxrss starts at the size of the process that started this one."""
    match = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    return int(match.group(1)) if match else 0


async def main() -> None:
    options = read_options()
    body = options.body.read_bytes()
    headers = dict(line.split(": ", 1) for line in options.headers.read_text().splitlines())
    addresses = [ipaddress.IPv4Address(0x7F000001 + host) for host in range(options.hosts)]
    urls = [f"http://{address}:{options.port}/webhook" for address in addresses]
    connector = aiohttp.TCPConnector(limit=options.in_flight)
    timeout = aiohttp.ClientTimeout(total=5)
    async with aiohttp.ClientSession(connector=connector, headers=headers, timeout=timeout) as session:
        await run(session, urls, body, options.warm_up, options.in_flight)
        before = resource.getrusage(resource.RUSAGE_SELF)
        began = time.monotonic()
        await run(session, urls, body, options.count, options.in_flight)
        seconds = time.monotonic() - began
        after = resource.getrusage(resource.RUSAGE_SELF)
    result = {
        "deliveries": options.count,
        "seconds": seconds,
        "user": after.ru_utime - before.ru_utime,
        "system": after.ru_stime - before.ru_stime,
        "peakKiB": peak_kib(),
    }
    print(json.dumps(result))


try:
    asyncio.run(main())
except (aiohttp.ClientError, RuntimeError, TimeoutError) as error:
    sys.exit(f"a delivery failed: {error!r}")
