"""The work of the plain endpoint, as lines of the output: see seed.py."""

SCHEMA = ""


def work(event, db):
    data = event.data
    if event.type in ["call.completed", "call.placed"]:
        say(f"{data.get('callId')}: customer record updated, {data.get('callDuration')} s")
        say(f"{data.get('callId')}: team notified, {data.get('callStatus')}")
    elif event.type in ["workflow.completed", "workflow.in_queue"]:
        say(f"{data.get('executionId')}: workflow results logged, {data.get('status')}")
    else:
        say(f"{event.type}: nothing to do")


def say(text):
    print(f"  [receiver] {text}\n".encode(errors="replace").decode(), end="", flush=True)
