"""The rows of the benchmark table. A new row is one more entry here: nothing else knows a row by its name."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the table: which client runs, how much it does, and what it is compared with."""

    id: str
    title: str
    client: str  # a key of rounds.CLIENTS
    count: int  # measured deliveries or pushes in a round; fairness: milliseconds of the undisturbed part
    quick_count: int
    kind: str = "deliver"  # deliver, push, latency, fairness or index: which columns it fills
    group: str = "main"
    baseline: str = ""  # id of the row that its CPU is divided by
    hosts: int = 1
    in_flight: int = 64
    body_bytes: int = 1024
    delay_ms: int = 0  # how long the sink holds each answer back
    warm_up: int = 500  # deliveries or pushes; fairness: milliseconds
    hanging: int = 0  # webhooks whose receiver is a second sink, which answers nothing before the deadline
    arguments: tuple[str, ...] = ()  # for this client alone


MAIN = [
    Row("bare", "bare libcurl loop", "bare", 60_000, 6_000, baseline="bare"),
    Row("martlet-1", "Martlet, 1 lane", "martlet", 60_000, 6_000, baseline="bare", arguments=("--lanes", "1")),
    Row("martlet-2", "Martlet, 2 lanes", "martlet", 60_000, 6_000, baseline="bare", arguments=("--lanes", "2")),
    Row("go", "Go net/http", "go", 60_000, 6_000, baseline="bare"),
    Row("node", "Node http.Agent", "node", 20_000, 3_000, baseline="bare", warm_up=3_000),  # for the JIT compiler
    Row("aiohttp", "Python aiohttp", "aiohttp", 10_000, 1_500, baseline="bare"),
    Row(
        "push-match", "Martlet, one webhook matches", "martlet", 200_000, 40_000, kind="push", delay_ms=4_000,
        arguments=("--mode", "push", "--webhooks", "1"),
    ),
    Row(
        "push-none", "Martlet, no webhook matches", "martlet", 200_000, 40_000, kind="push",
        arguments=("--mode", "push", "--webhooks", "1", "--no-match"),
    ),
    Row(
        "latency", "Martlet, idle engine", "martlet", 2_000, 300, kind="latency", in_flight=1, warm_up=50,
        arguments=("--mode", "latency", "--webhooks", "1"),
    ),
    Row(
        "latency-bare", "bare libcurl loop, in the caller's thread", "bare", 2_000, 300, kind="latency", in_flight=1,
        warm_up=50,
    ),
]


def pair(group: str, label: str, shape_title: str, arguments: tuple[str, ...] = (), **shape: int) -> list[Row]:
    """The bare loop and Martlet with one lane, side by side, for one shape of work."""
    bare = Row(
        f"{group}-{label}-bare", f"bare libcurl loop, {shape_title}", "bare", 40_000, 4_000,
        group=group, baseline=f"{group}-{label}-bare", **shape,
    )
    martlet = Row(
        f"{group}-{label}", f"Martlet, {shape_title}", "martlet", 40_000, 4_000,
        group=group, baseline=bare.id, arguments=("--lanes", "1", *arguments), **shape,
    )
    return [bare, martlet]


def fairness(label: str, title: str, webhooks: int, *arguments: str, **shape: int | str) -> Row:
    """Healthy webhooks, two events under way for each, before and while the hanging ones have events too."""
    return Row(
        f"fairness-{label}", f"Martlet, 2 lanes, {title}", "martlet", 3_000, 600, kind="fairness",
        arguments=("--mode", "fairness", "--lanes", "2", "--webhooks", str(webhooks), *arguments), in_flight=1_024,
        **shape,
    )


# The deadline is 5 s and the disturbed part takes 6 s: every hanging attempt times out and is made anew within it.
FAIRNESS = [
    fairness("busy", "160 healthy webhooks answer at once, 40 hang", 200, group="fairness", hanging=40),
    fairness("paced", "160 healthy webhooks take 40 ms, 40 hang", 200, group="fairness", hanging=40, delay_ms=40),
]
# The noise of the machine: how far two parts differ where nothing changes between them.
CONTROL = [
    fairness("none", "160 healthy webhooks answer at once, none hangs", 160, group="control"),
    fairness("none-paced", "160 healthy webhooks take 40 ms, none hangs", 160, group="control", delay_ms=40),
]
# More attempts hang than before, or as many as the engine has slots for.
SLOTS = [
    fairness(
        f"{hanging}-defaults", f"default limits, 160 healthy webhooks take 40 ms, {hanging} hang", 160 + hanging,
        "--per-webhook", "64", group="slots", hanging=hanging, delay_ms=40,
    )
    for hanging in (40, 80)
]
INDEX = [
    Row(
        f"index-{webhooks}", f"Martlet, {webhooks:,} webhooks, an agent each", "martlet", 100_000, 10_000, kind="index",
        group="index", baseline="index-1000", delay_ms=4_000, warm_up=2_000,
        arguments=("--mode", "index", "--webhooks", str(webhooks)),
    )
    for webhooks in (1_000, 10_000, 100_000)
]

# Asked for by group name. With many hosts the warm-up opens every connection before anything is measured.
HOSTS = [
    row
    for hosts in (1, 10, 100, 1_000)
    for row in pair(
        "hosts", str(hosts), f"hosts: {hosts:,}", ("--webhooks", str(max(hosts, 8))),
        hosts=hosts, warm_up=max(500, 2 * hosts),
    )
]
BODIES = [
    row
    for label, size in (("100B", 100), ("1KiB", 1_024), ("16KiB", 16_384), ("256KiB", 262_144))
    for row in pair("bodies", label, f"body: {size:,} bytes", body_bytes=size)
]

ROWS = MAIN + FAIRNESS + INDEX + CONTROL + SLOTS + HOSTS + BODIES
DEFAULT = "main,fairness,index"


def select(names: str) -> list[Row]:
    """The rows named by id or group, comma separated, in the table's order, each with the row it is compared with.

    Raises ValueError for a name that is neither.
    """
    wanted = [name for name in names.split(",") if name]
    unknown = [name for name in wanted if not any(name in (row.id, row.group) for row in ROWS)]
    if unknown or not wanted:
        known = sorted({row.group for row in ROWS}) + [row.id for row in ROWS]
        raise ValueError(f"no row or group {', '.join(unknown) or 'given'}; there are {', '.join(known)}")
    chosen = {row.id for row in ROWS if row.id in wanted or row.group in wanted}
    chosen |= {row.baseline for row in ROWS if row.id in chosen and row.baseline}
    return [row for row in ROWS if row.id in chosen]
