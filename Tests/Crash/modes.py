"""What a group of lives does: its webhooks, its configuration, when it is killed."""

from dataclasses import dataclass

MODES = ["plain", "open", "compaction", "webhooks", "order", "ids", "policy"]
SEGMENT = 65_536


@dataclass
class Group:
    mode: str
    configuration: dict
    webhooks: list
    threads: int
    count: int  # events a thread pushes in a life
    pause: float  # how often a thread rests between two pushes
    life_seconds: float  # a life that opened is killed within this
    straggler_every: int = 1
    deletes_all: bool = False


def webhook(url, path, **more):
    name = path.split("/")[-1]
    return {"url": f"{url}/{path}", "events": ["call.*"], "metadata": {"name": name}} | more


def make(mode, directory, url, dice):
    """A group of this mode, with its variants drawn from `dice`."""
    configuration = {
        "dataDirectory": directory, "environment": "development", "outcomes": "all", "lanes": dice.randint(1, 3),
        "sync": dice.choice(["always", "interval", "os"]), "syncIntervalMs": 20,
        "retry": {"delaysSeconds": [0.02, 0.05] + [0.5] * 30, "jitter": 0}, "breaker": {"failures": 0},
        "journal": {"segmentBytes": SEGMENT, "maxBytes": SEGMENT * 200}, "maxEventBytes": 4096,
    }
    group = Group(mode, configuration, [], dice.choice([1, 1, 2]), 40, 0.3, 0.15)
    group.webhooks = [webhook(url, "ok/w0"), webhook(url, "flaky/w1"), webhook(url, "slow/w2"), webhook(url, "ok/w3")]
    if mode == "plain":
        group.deletes_all = dice.random() < 0.5
    elif mode == "open":
        # Enough behind a receiver that fails that opening has something to do.
        group.webhooks = [webhook(url, "fail/w0"), webhook(url, "ok/w1")]
        group.count = 150
    elif mode == "compaction":
        compaction(group, url)
    elif mode == "webhooks":
        group.webhooks = group.webhooks[:2]
        group.count = 20
    elif mode == "order":
        group.threads = 1
        group.webhooks = [
            webhook(url, "ok/w0", ordering="key"), webhook(url, "flaky/w1", ordering="key"),
            webhook(url, "flaky/w2", ordering="strict"),
        ]
        group.count = 30
    elif mode == "ids":
        configuration["logRetention"] = dice.choice([{}, {"attempts": 10}])
    elif mode == "policy":
        group.webhooks = [webhook(url, "ok/w0"), webhook(url, "fail/w1")]
    return group


def compaction(group, url):
    """A small disk, many segments, and few events that stay for long in each of them."""
    group.configuration["journal"]["maxBytes"] = SEGMENT * 100
    group.configuration["logRetention"] = {"attempts": 200, "payloadBytes": 40_000}
    group.configuration["deduplication"] = {"maxIds": 100}
    group.straggler_every = 25
    straggles = {"filter": {"straggles": True}}
    group.webhooks = [
        webhook(url, "ok/w0"), webhook(url, "flaky/w1"), webhook(url, "fail/w2", **straggles),
        webhook(url, "park/park", retry={"delaysSeconds": [3600]}, **straggles),
    ]
    group.webhooks += [webhook(url, f"ok/idle{n}", events=["workflow.failed"]) for n in range(20)]
    group.count = 400
    group.pause = 0.05
    group.life_seconds = 0.8
    group.threads = 2
