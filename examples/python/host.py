"""A phone service on asyncio that tells its customers about their calls.  python host.py URL [CALLS]

Calls run as tasks and push events as they go, which never waits. One task hears what became of the events and keeps the
service's own records; what Martlet itself has to say goes to `logging`. SIGINT and SIGTERM end the calls under way and
give what was pushed its time.
"""

import asyncio
import logging
import random
import signal
import sys
from dataclasses import dataclass

import martlet


@dataclass
class Call:
    """The service's own record of a call. Its number is the tag of its events."""

    number: int
    customer: str
    told: int = 0
    untold: int = 0


class PhoneService:
    def __init__(self, engine: martlet.Engine) -> None:
        self.engine = engine
        self.calls: dict[int, Call] = {}

    async def call(self, number: int, customer: str) -> None:
        call = self.calls[number] = Call(number, customer)
        await self.tell(call, "call.placed", {"callId": f"call_{number}", "callStatus": "call_placed"})
        duration = random.uniform(0.01, 0.1)
        try:
            await asyncio.sleep(duration)
        except asyncio.CancelledError:
            await self.tell(call, "call.canceled", {"callId": f"call_{number}", "callStatus": "canceled"})
            raise
        data = {"callId": f"call_{number}", "callStatus": "completed", "callDuration": round(duration, 3)}
        await self.tell(call, "call.completed", data)

    async def tell(self, call: Call, event_type: str, data: dict[str, object]) -> None:
        while True:
            try:
                # The key keeps the events of one call in order, the tenant keeps customers apart.
                self.engine.push(event_type, data, call.number, key=f"call_{call.number}", tenant=call.customer)
                return
            except martlet.QueueFullError:
                # Nothing was dropped: there is room again when deliveries are settled.
                await asyncio.sleep(0.05)

    async def keep_records(self) -> None:
        async for outcome in self.engine.outcomes():
            if outcome.kind == "webhook_disabled":
                print(f"webhook {outcome.webhook_id} was disabled: {outcome.reason}")
            elif outcome.kind == "delivery":
                call = self.calls[outcome.tag]
                if outcome.state == "succeeded":
                    call.told += 1
                else:
                    call.untold += 1
                    print(f"call {call.number}: {call.customer} was not told, {outcome.state}, {outcome.failure}")


async def main(url: str, count: int) -> int:
    loop = asyncio.get_running_loop()
    async with martlet.Engine(
        environment="development",
        outcomes="deliveries",
        ordering="key",
        queue={"maxEvents": 1000},
        logger=logging.getLogger("martlet"),
    ) as engine:
        service = PhoneService(engine)
        for customer in ("acme", "globex"):
            engine.webhooks.create(url=f"{url}/{customer}", events=["call.*"], tenant=customer)
        records = asyncio.create_task(service.keep_records())
        calls = asyncio.gather(
            *(service.call(number, random.choice(("acme", "globex"))) for number in range(count)),
            return_exceptions=True,
        )
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, calls.cancel)
        try:
            await calls
        except asyncio.CancelledError:
            print("ending")
        # Events that were pushed get their time, then the records end by themselves.
        await engine.aclose(timeout=10)
        await records
    told, untold = (sum(getattr(call, name) for call in service.calls.values()) for name in ("told", "untold"))
    print(f"{len(service.calls)} calls, {told} events told, {untold} not")
    return 1 if untold else 0


if __name__ == "__main__":
    url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:3000"
    sys.exit(asyncio.run(main(url, int(sys.argv[2]) if len(sys.argv) > 2 else 100)))
