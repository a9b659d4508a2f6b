"""Sends one webhook and waits for what becomes of it.  python start.py [URL]"""

import sys

import martlet

url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:3000/subverse/webhook"

with martlet.Engine(environment="development", outcomes="deliveries") as engine:
    engine.webhooks.create(url=url, events=["call.*"])
    engine.push("call.completed", {"callId": "call_1", "callStatus": "completed", "callDuration": 185}, tag=1)

    outcome = next(engine.outcomes())
    print(f"call {outcome.tag}: {outcome.state}, HTTP {outcome.http_status}, attempts: {outcome.attempts}")
