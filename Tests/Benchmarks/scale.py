"""Rows that ask what libcurl, size and the parts of a delivery cost; rows.py has the others."""

from row import Row

BODY_SIZES = (("100B", 100), ("1KiB", 1_024), ("16KiB", 16_384), ("64KiB", 65_536), ("256KiB", 262_144))


def pair(group: str, label: str, title: str, arguments: tuple[str, ...] = (), **shape: object) -> list[Row]:
    """The bare loop and Martlet with one lane, side by side, for one shape of work."""
    counts = (shape.pop("count", 40_000), shape.pop("quick_count", 4_000))
    bare = Row(
        f"{label}-bare", f"bare libcurl loop, {title}", "bare", *counts, group=group, baseline=f"{label}-bare", **shape,
    )
    martlet = Row(
        label, f"Martlet, {title}", "martlet", *counts, group=group, baseline=bare.id,
        arguments=("--lanes", "1", *arguments), **shape,
    )
    return [bare, martlet]


# The receiver is nginx, with a certificate of an authority made for this run; every connection is kept.
HTTPS = pair("https", "https", "HTTPS to nginx", count=30_000, quick_count=3_000, tls=True)

LARGE = [
    Row(
        "fan-out", "Martlet, 1 event to 1,000 webhooks on 50 hosts", "martlet", 60_000, 6_000, group="large",
        baseline="martlet-1", hosts=50, warm_up=4_000, arguments=("--lanes", "1", "--webhooks", "1000", "--fan-out"),
    ),
    # All events are pushed at once: with a window, the slots would be empty at the end of each for a second.
    *pair(
        "large", "slow", "2,000 receivers that take 1 s", ("--webhooks", "2000", "--window", "40000"), hosts=2_000,
        in_flight=2_000, delay_ms=1_000, count=20_000, quick_count=2_000, warm_up=2_000,
    ),
    # What libcurl alone takes when its connections are dealt to multi handles as Martlet deals them.
    Row(
        "slow-bare-16", "bare libcurl loop, 16 multi handles, 2,000 receivers that take 1 s", "bare", 20_000, 2_000,
        group="large", baseline="slow-bare", hosts=2_000, in_flight=2_000, delay_ms=1_000, warm_up=2_000,
        arguments=("--multis", "16"),
    ),
]

# What a library costs before the first event, and what its two inner loops do for each.
PARTS = [
    Row("load", "Martlet, a process that loads it", "load", 100, 20, kind="load", group="parts", once=True),
    Row(
        "json-1KiB", "JSON check, 1 KiB", "parts", 200_000, 5_000, kind="json", group="parts", once=True,
        arguments=("--part", "json"),
    ),
    Row(
        "json-64KiB", "JSON check, 64 KiB", "parts", 4_000, 200, kind="json", group="parts", once=True,
        body_bytes=65_536, arguments=("--part", "json"),
    ),
    Row(
        "json-records", "JSON check, 64 KiB of records", "parts", 4_000, 200, kind="json", group="parts", once=True,
        body_bytes=65_536, arguments=("--part", "records"),
    ),
    Row(
        "signature", "signature of 1 KiB, HMAC-SHA256", "parts", 500_000, 20_000, kind="signature", group="parts",
        once=True, arguments=("--part", "signature"),
    ),
]

# Instructions of the process in user space, counted by valgrind: nearly the same from run to run, whatever else runs.
# With one delivery in flight they depend least on what the machine lets happen at the same time.
INSTRUCTIONS = [
    Row(
        "instructions-bare", "bare libcurl loop, a delivery", "bare", 3_000, 400, kind="instructions",
        group="instructions", baseline="instructions-bare", in_flight=1, once=True,
    ),
    *(
        Row(
            f"instructions{label}", f"Martlet, 1 lane, {title}a delivery", "martlet", 3_000, 400, kind="instructions",
            group="instructions", baseline="instructions-bare", in_flight=1, once=True, sync=sync,
            arguments=("--lanes", "1"),
        )
        for label, title, sync in (("", "", ""), ("-journal", "journal, ", "interval"))
    ),
    # Only what the pushing thread does is counted.
    *(
        Row(
            f"instructions-push{label}", f"Martlet, a push{title}", "martlet", 10_000, 2_000, kind="instructions",
            group="instructions", delay_ms=20_000, once=True, sync=sync,
            arguments=("--mode", "push", "--webhooks", "1", *arguments),
        )
        for label, title, sync, arguments in (
            ("", " that one webhook matches", "", ()),
            ("-none", " that no webhook matches", "", ("--no-match",)),
            ("-journal", " that one webhook matches, journal", "interval", ()),
        )
    ),
]

# With large bodies fewer are pushed ahead: a queue of thousands would be measured as memory that is touched anew.
# With many hosts the warm-up opens every connection before anything is measured.
SCALING = [
    *pair("scaling", "lanes-1", "1 lane, 64 hosts", ("--webhooks", "64"), hosts=64),
    Row(
        "lanes-2", "Martlet, 2 lanes, 64 hosts", "martlet", 40_000, 4_000, group="scaling", baseline="lanes-1-bare",
        hosts=64, arguments=("--lanes", "2", "--webhooks", "64"),
    ),
    *(
        row
        for hosts in (1, 10, 100, 1_000, 10_000)
        for row in pair(
            "scaling", f"hosts-{hosts}", f"hosts: {hosts:,}", ("--webhooks", str(max(hosts, 8))), hosts=hosts,
            warm_up=max(500, 2 * hosts), count=40_000 if hosts < 10_000 else 20_000,
        )
    ),
    *(
        row
        for label, size in BODY_SIZES
        for row in pair(
            "scaling", f"body-{label}", f"body: {size:,} bytes", ("--window", "4096" if size < 16_384 else "256"),
            body_bytes=size, count=40_000 if size < 65_536 else 10_000,
        )
    ),
]

# The newest libcurl that PyPI's pycurl brings along, beside the system's.
LIBCURL = [
    Row(
        "newer-bare", "bare libcurl loop, newer libcurl", "bare", 60_000, 6_000, group="libcurl", baseline="bare",
        newer_libcurl=True,
    ),
    Row(
        "newer-1", "Martlet, 1 lane, newer libcurl", "martlet", 60_000, 6_000, group="libcurl", baseline="newer-bare",
        newer_libcurl=True, arguments=("--lanes", "1"),
    ),
]
