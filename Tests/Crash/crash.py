"""Kills senders at random instants, and compares what they were promised with what arrived.

Prints a line for each group of lives on one data directory, and at the end `N passed, N failed`.
"""

import argparse
import asyncio
import json
import os
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import time

import modes
from ledger import Ledger
from sink import Sink

HERE = pathlib.Path(__file__).resolve().parent


class Run:
    def __init__(self, options):
        self.options = options
        self.passed = self.failed = self.kills = self.open_kills = self.accepted = self.again = 0
        self.sink = Sink()

    async def group(self, number, mode, cycles):
        dice = random.Random(f"{self.options.seed}/{number}")
        directory = tempfile.mkdtemp(prefix="martlet-crash-")
        self.sink.forget()
        await self.sink.start()
        url = f"http://127.0.0.1:{self.sink.port}"
        group = modes.make(mode, os.path.join(directory, "journal"), url, dice)
        ledger = Ledger(self.sink, mode)
        ledger.straggler_every = group.straggler_every
        ledger.paths = {
            webhook["metadata"]["name"]: webhook["url"].removeprefix(url) for webhook in group.webhooks
            if not webhook["metadata"]["name"].startswith("idle")
        }
        started = time.monotonic()
        kills = 0
        try:
            for life in range(cycles):
                ends = "close" if dice.random() < 0.1 else "kill"
                kills += await self.life(group, ledger, life, url, dice, ends)
            self.sink.relents = True
            await self.life(group, ledger, cycles, url, dice, "drain")
            ledger.judge(ledger.paths)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this group's failure
            ledger.fault(f"{type(error).__name__}: {error}")
            if os.environ.get("MARTLET_CRASH_TRACE"):
                raise
        await self.sink.close()
        self.report(number, group, ledger, kills, time.monotonic() - started, directory)

    async def life(self, group, ledger, life, url, dice, ends):
        """Runs one sender; 1 where it was killed."""
        ledger.begin_life(life)
        repeats = [n for n in ledger.accepted if dice.random() < 0.2][-20:] if group.mode == "ids" else []
        plan = {
            "seed": dice.random(), "life": life, "mode": group.mode, "ends": ends, "url": url,
            "configuration": group.configuration, "webhooks": group.webhooks, "threads": group.threads,
            "count": group.count, "pause": group.pause, "first": life * 1_000_000 + 1, "redeliver": 0.1,
            "stragglerEvery": group.straggler_every, "repeats": repeats, "deletesAll": group.deletes_all,
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(HERE / "sender.py"), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            limit=1 << 24,
        )
        process.stdin.write(json.dumps(plan).encode())
        process.stdin.close()
        killer = None
        if ends == "kill":
            kills_opening = dice.random() < (0.8 if group.mode == "open" and life > 1 else 0.1 if life else 0)
            after = dice.random() * 1.3 * (max(ledger.open_seconds[-3:], default=0.01) if kills_opening
                                           else group.life_seconds)
            killer = ("opening" if kills_opening else "open", after)
        was_killed = await self.listen(process, ledger, killer)
        code = await process.wait()
        # Requests of the dead one that have arrived belong to its life.
        for _ in range(5):
            await asyncio.sleep(0)
        if self.options.keep:
            directory = group.configuration["dataDirectory"]
            shutil.copytree(directory, f"{directory}-after-{life}")
        if was_killed:
            self.open_kills += not ledger.is_open
            assert code in (0, -signal.SIGKILL), f"life {life} ended with {code} by itself"
            return 1
        assert code == 0 and ledger.has_ended, f"life {life} ended with {code}, no signal of ours"
        return 0

    async def listen(self, process, ledger, killer):
        """Hears what it says until it is dead; kills it `killer[1]` seconds after it said `killer[0]`."""
        was_killed = False

        def kill():
            nonlocal was_killed
            was_killed = True
            try:
                process.kill()
            except ProcessLookupError:
                pass

        # A life that never says what it is awaited for must end as well.
        timer = asyncio.get_running_loop().call_later(120, kill)
        overdue = timer
        while line := await process.stdout.readline():
            if not line.endswith(b"\n"):
                break
            news = json.loads(line)
            ledger.hear(news)
            if killer and news[0] == killer[0]:
                timer = asyncio.get_running_loop().call_later(killer[1], kill)
        if overdue.when() <= asyncio.get_running_loop().time():
            ledger.fault("a life hung for two minutes")
        overdue.cancel()
        timer.cancel()
        return was_killed

    def report(self, number, group, ledger, kills, seconds, directory):
        again = sum(seen.requests for seen in self.sink.seen.values()) - len(self.sink.seen)
        lost = sum(fault.startswith("LOST") for fault in ledger.faults)
        self.kills += kills
        self.accepted += len(ledger.accepted)
        self.again += again
        word = "not ok" if ledger.faults else "ok"
        configuration = group.configuration
        rest = f", {ledger.rest[0]['liveBytes']} bytes live at the end" if ledger.rest else ""
        print(f"{word} {number} {group.mode}: sync {configuration['sync']}, {configuration['lanes']} lanes, {kills} "
              f"kills; {len(ledger.accepted)} events accepted, {lost} lost, {self.sink.requests} requests, "
              f"{ledger.recovered} deliveries recovered, {ledger.segments_deleted} segments deleted, "
              f"{sum(ledger.refused.values())} refused, {ledger.unwritten} unwritten{rest}; {seconds:.1f} s", flush=True)
        for fault in ledger.faults[:12]:
            print(f"    {fault}"[:600], flush=True)
        if len(ledger.faults) > 12:
            print(f"    and {len(ledger.faults) - 12} more", flush=True)
        if ledger.faults:
            self.failed += 1
            print(f"    the directory is kept: {directory}", flush=True)
        else:
            self.passed += 1
            shutil.rmtree(directory)


async def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cycles", type=int, default=25, help="how often a sender is killed, over all groups")
    parser.add_argument("--seed", default=str(time.time_ns()), help="drawn from the clock by default, and printed")
    parser.add_argument("--mode", choices=modes.MODES, help="only groups of this mode")
    parser.add_argument("--each", type=int, help="lives in a group; 12 by default, fewer where there are few cycles")
    parser.add_argument("--keep", action="store_true", help="copies the data directory after each life")
    options = parser.parse_args()
    chosen = [options.mode] if options.mode else modes.MODES
    each = options.each or max(1, min(12, options.cycles // len(chosen)))
    print(f"seed {options.seed}: {options.cycles} cycles in groups of {each}", flush=True)
    run = Run(options)
    started = time.monotonic()
    number = done = 0
    while done < options.cycles:
        lives = min(each, options.cycles - done)
        await run.group(number, chosen[number % len(chosen)], lives)
        number += 1
        done += lives
    print(f"{run.kills} kills, {run.open_kills} of them before the engine was open; {run.accepted} events accepted; "
          f"{run.again} requests came again; {time.monotonic() - started:.0f} s", flush=True)
    print(f"{run.passed} passed, {run.failed} failed", flush=True)
    sys.exit(run.failed != 0)


asyncio.run(main())
