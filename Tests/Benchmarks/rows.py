"""The rows of the benchmark table. A new row is one more entry here or in scale.py."""

from row import Row
from scale import HTTPS, INSTRUCTIONS, LARGE, LIBCURL, PARTS, SCALING

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
        "push-copy", "nothing but malloc, a copy and a list with a lock", "martlet", 200_000, 40_000, kind="push",
        arguments=("--mode", "copy"),
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

SYNCS = ("os", "interval", "always")
# What SQLite calls the same durability.
SYNCHRONOUS = {"os": "OFF", "interval": "NORMAL", "always": "FULL"}


def store(label: str, title: str, client: str, count: int, quick_count: int, **shape: int | str | tuple) -> Row:
    """Events that are written down as fast as they come, or kept in memory alone."""
    arguments = ("--mode", "push", "--webhooks", "1") if client == "martlet" else ()
    return Row(
        label, title, client, count, quick_count, kind="store", group="journal", once=True,
        delay_ms=4_000 if client == "martlet" else 0, arguments=arguments, **shape,
    )


def plural(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


# The memory rows, then each mode of the journal followed by SQLite with the same durability. Single calls and
# transactions that wait for the disk are few; the others are so many that several writes to the disk fall into them.
STORE = [
    store(
        f"store-memory-{threads}", f"Martlet in memory, {plural(threads, 'thread')}", "martlet", 400_000, 20_000,
        baseline="store-memory-1", threads=threads,
    )
    for threads in (1, 2)
] + [
    row
    for sync in SYNCS
    for row in [
        store(
            f"store-{sync}-{threads}x{batch}",
            f"Martlet, {sync}, {plural(threads, 'thread')}" + (f", {batch:,} events a call" if batch > 1 else ""),
            "martlet", *counts, baseline="store-memory-1", sync=sync, threads=threads, batch=batch,
            anchors=(f"sqlite-{sync}-1", f"sqlite-{sync}-1000"),
        )
        for threads, batch, counts in (
            [(1, 1, (400_000, 20_000)), (2, 1, (400_000, 20_000))]
            if sync != "always"
            else [
                (1, 1, (5_000, 500)), (2, 1, (5_000, 500)), (16, 1, (40_000, 3_200)), (1, 1_000, (200_000, 20_000)),
                (4, 1_000, (400_000, 20_000)),
            ]
        )
    ]
    + [
        store(
            f"sqlite-{sync}-{batch}",
            f"SQLite, {SYNCHRONOUS[sync]}, {plural(batch, 'row')} a transaction",
            "sqlite", *counts, sync=sync, batch=batch,
        )
        for batch, counts in (
            (1, (5_000, 500) if sync == "always" else (100_000, 5_000)), (1_000, (400_000, 20_000)),
        )
    ]
]
# What the journal adds to a delivery, beside the same lanes without it.
DURABLE = [
    Row(
        f"journal-{lanes}", f"Martlet, {plural(lanes, 'lane')}, journal, interval", "martlet", 60_000, 6_000,
        kind="durable", group="journal", baseline=f"martlet-{lanes}", sync="interval", once=True,
        arguments=("--lanes", str(lanes)),
    )
    for lanes in (1, 2)
]
PAUSE = [
    Row(
        "compaction", "Martlet, 2 lanes, interval, 10,000 pushes/s, files of 1 MiB", "martlet", 50_000, 3_000,
        kind="pause", group="journal", sync="interval", in_flight=256, once=True,
        arguments=("--mode", "compaction", "--lanes", "2", "--webhooks", "8", "--segment-bytes", str(1 << 20)),
    ),
]


def recovery(label: str, title: str, count: int, quick_count: int, *arguments: str) -> Row:
    return Row(
        f"recovery-{label}", title, "martlet", count, quick_count, kind="recovery", group="recovery", sync="interval",
        delay_ms=20_000, warm_up=0, once=True, arguments=("--mode", "recovery", "--lanes", "2", *arguments),
    )


RECOVERY = [
    recovery("events", "pending events, after a kill", 1_000_000, 20_000, "--webhooks", "8"),
    recovery("cold", "pending events, nothing in the page cache", 1_000_000, 20_000, "--webhooks", "8", "--cold"),
    recovery("webhooks", "webhooks", 100_000, 2_000, "--no-match"),
]
MEMORY = [
    Row(
        f"memory-{label}", f"queued events, {title}", "martlet", 1_000_000, 20_000, kind="memory", group="memory",
        sync=sync, warm_up=0, once=True, arguments=("--mode", "memory", "--lanes", "2", "--webhooks", "8"),
    )
    for label, title, sync in (("journal", "with the journal", "interval"), ("only", "in memory", ""))
]

LANGUAGES = {"c": "C", "cpp": "C++", "swift": "Swift", "go": "Go", "node": "Node", "python": "Python"}
FORMS = (
    ("native", 1, "an object"), ("ready", 1, "ready bytes"), ("native", 100, "100 objects"),
    ("each", 100, "100 with ready bytes each"), ("ready", 100, "100 ready lines"),
)


def host(language: str, label: str, title: str, kind: str, count: int, quick_count: int, **shape: object) -> Row:
    """A program in one language that uses Martlet through its binding."""
    return Row(
        f"{language}-{label}", f"{LANGUAGES[language]}{title}", f"host_{language}", count, quick_count, kind=kind,
        group="bindings", once=True, **shape,
    )


PUSH = [
    host(
        language, label, f", {title}", "push-host", 200_000 if form == "ready" else 100_000, 5_000, form=form,
        batch=batch, warm_up=5_000, baseline=f"c-push-ready-{batch}",
    )
    for form, batch, title in FORMS
    for label in (f"push-{form}-{batch}",)
    for language in LANGUAGES
    if language != "c" or form == "ready"
]
DRAIN = [
    host(
        language, "outcomes", "", "drain-host", 200_000, 5_000, batch=100, warm_up=0, baseline="c-outcomes",
    )
    for language in LANGUAGES
]
# Through Martlet and in each language's usual way; those that are rows of the main table too are compared with as well.
USUAL = {"go": ("go",), "node": ("node", "node-fetch"), "python": ("aiohttp", "celery-threads", "celery-gevent")}
END_TO_END = [
    host(
        language, label, " through Martlet, 1 lane", f"{label}-host", 40_000, 3_000, warm_up=3_000,
        anchors=USUAL.get(language, ()),
    )
    for label in ("send", "deliver")
    for language in LANGUAGES
]
OTHERS = [
    Row(
        "node-fetch", "Node fetch", "node", 10_000, 2_000, kind="deliver-host", group="bindings", once=True,
        warm_up=1_000, arguments=("--fetch",),
    ),
] + [
    Row(
        f"celery-{pool}", f"Celery, Redis and requests, {pool}", "celery", 2_000, 300, kind="deliver-host", warm_up=200,
        group="bindings", once=True, arguments=("--pool", pool),
    )
    for pool in ("threads", "gevent")
]
BINDINGS = PUSH + DRAIN + END_TO_END + OTHERS

# Rows that are compared stand near each other: what slows the machine for a while then slows both.
ROWS = (
    MAIN + DURABLE + HTTPS + LARGE + PARTS + LIBCURL + INDEX + STORE + PAUSE + RECOVERY + MEMORY + FAIRNESS + BINDINGS
    + CONTROL + SLOTS + SCALING + INSTRUCTIONS
)
DEFAULT = "main,https,large,parts,libcurl,fairness,index,journal,recovery,memory,bindings,instructions"
# What a quick run leaves out: the Swift host takes longer to build than the rest takes to run, and valgrind is slow.
NOT_QUICK = {"host_swift"} | {row.id for row in INSTRUCTIONS[2:]}


def select_quick(rows: list[Row]) -> list[Row]:
    """The rows of a quick run, where none were named."""
    return [row for row in rows if row.client not in NOT_QUICK and row.id not in NOT_QUICK]


def needs(rows: list[Row]) -> set[str]:
    """What run.sh has to build or install: clients, and what some rows take beside them."""
    return (
        {row.client for row in rows} | {"bare"}  # it tells libcurl's version
        | {"nginx" for row in rows if row.tls}
        | {"newer" for row in rows if row.newer_libcurl}
        | {"valgrind" for row in rows if row.kind == "instructions"}
    )


def select(names: str) -> list[Row]:
    """The rows named by id or group, comma separated, in the table's order, each with the rows it is compared with.

    Raises ValueError for a name that is neither.
    """
    wanted = [name for name in names.split(",") if name]
    unknown = [name for name in wanted if not any(name in (row.id, row.group) for row in ROWS)]
    if unknown or not wanted:
        known = sorted({row.group for row in ROWS}) + [row.id for row in ROWS]
        raise ValueError(f"no row or group {', '.join(unknown) or 'given'}; there are {', '.join(known)}")
    chosen = {row.id for row in ROWS if row.id in wanted or row.group in wanted}
    chosen |= {other for row in ROWS if row.id in chosen for other in (row.baseline, *row.anchors) if other}
    return [row for row in ROWS if row.id in chosen]
