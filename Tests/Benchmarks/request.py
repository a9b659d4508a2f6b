"""The request that every client of the benchmark sends: a call event as a webhook sender would carry it."""

import json
from pathlib import Path

# As Martlet frames an event; type and time have the length that they have in martlet_bench.
FRAME = '{"eventType":"bench.type000","createdAt":"2025-12-08T10:30:00.000Z","data":%s}'
SENTENCE = 'Agent: \\"How can I help?\\" Caller: my order has not arrived, it was due on Monday – größere Lieferung.\\n'


def event_data(size: int) -> str:
    """JSON data whose framed body is exactly `size` bytes of UTF-8; raises ValueError when the frame does not fit."""
    call = {
        "callId": "call_xyz789",
        "customerNumber": "+91xxxxxxxxxx",
        "callStatus": "call_placed",
        "agentId": "agent_123",
        "callDuration": 185,
        "callDirection": "outbound",
        "analysis": {"sentiment": "positive", "score": 0.93, "tags": ["delivery", "late", None, True]},
    }
    head = json.dumps(call, separators=(",", ":"))[:-1] + ',"transcript":"'
    room = size - len((FRAME % (head + '"}')).encode())
    if room < 0:
        head = '{"t":"'
        room = size - len((FRAME % (head + '"}')).encode())
    if room < 0:
        raise ValueError(f"a body of {size} bytes is too small for its frame")
    whole, rest = divmod(room, len(SENTENCE.encode()))
    return head + SENTENCE * whole + "." * rest + '"}'


def write_request(folder: Path, size: int) -> tuple[Path, Path]:
    """Writes the framed body and the data alone; returns both paths."""
    data = event_data(size)
    body = FRAME % data
    json.loads(body)
    body_path, data_path = folder / f"body-{size}.json", folder / f"data-{size}.json"
    body_path.write_text(body, encoding="utf-8")
    data_path.write_text(data, encoding="utf-8")
    return body_path, data_path
