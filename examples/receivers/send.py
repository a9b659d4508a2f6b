"""Pushes event files to an endpoint with Martlet and tells what became of each.  python send.py URL [FILE...]

Without files it takes examples/events/*.json.

Environment:
  WEBHOOK_SECRET  the webhook's secret, whsec_...
"""

import json
import os
import sys
from pathlib import Path

import martlet

EVENTS = Path(__file__).resolve().parents[1] / "events"


def main(url, *names):
    files = [Path(name) for name in names] or sorted(EVENTS.glob("*.json"))
    failed = 0
    with martlet.Engine(environment="development", outcomes="deliveries") as engine:
        engine.webhooks.create(url=url, events=["*"], secret=os.environ["WEBHOOK_SECRET"].split()[0])
        for file in files:
            event = json.loads(file.read_text())
            engine.push(event["eventType"], event["data"], created_at=event["createdAt"])
        for _ in files:
            outcome = next(engine.outcomes())
            delivery = engine.delivery(outcome.delivery_id)
            failed += outcome.state != "succeeded"
            answers = " ".join(str(attempt.status or attempt.error) for attempt in delivery.attempts)
            print(f"  {delivery.event_type:<24}{outcome.state:<11}{answers}")
    print(f"  {len(files) - failed} of {len(files)} delivered")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
