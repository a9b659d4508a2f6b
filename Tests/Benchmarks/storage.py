"""Where the rows with a journal or a database keep their files, and whether there is room for them."""

import shutil
from pathlib import Path

from row import Row

# A row's event of 1 KiB with its frame, its record and what its delivery writes; SQLite's rows take less.
BYTES_PER_EVENT = 1_331
# A file of the journal that is filled, one made ahead, and what a database has beside its rows.
BYTES_BESIDE = 128 << 20
IN_MEMORY = ("tmpfs", "ramfs", "devtmpfs")


def existing(path: Path) -> Path:
    """The path itself, or what there is of it."""
    path = path.absolute()
    return path if path.exists() or path == path.parent else existing(path.parent)


def file_system(path: Path) -> str:
    """The type of the file system that the path lies on, such as ext4."""
    number = existing(path).stat().st_dev
    wanted = f"{number >> 8 & 0xFFF}:{number & 0xFF | number >> 12 & 0xFFF00}"
    found = "unknown file system"
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        if before.split()[2] == wanted:
            found = after.split()[0]
    return found


def bytes_needed(rows: list[Row], quick: bool) -> int:
    """What the largest of the rows takes; each gives its room back before the next one starts."""
    events = [(row.quick_count if quick else row.count) + row.warm_up for row in rows if row.sync]
    return max(events) * BYTES_PER_EVENT + BYTES_BESIDE if events else 0


def describe(path: Path) -> str:
    free = shutil.disk_usage(existing(path)).free
    return f"{file_system(path)}, {free / 2**30:.1f} GiB free"


def warnings(path: Path, rows: list[Row], quick: bool) -> list[str]:
    """What a reader must know before comparing, or before the disk is full."""
    found = []
    kind = file_system(path)
    if kind in IN_MEMORY:
        found.append(f"the data directories lie on {kind}, which is memory and no disk; see --directory.")
    free = shutil.disk_usage(existing(path)).free
    needed = bytes_needed(rows, quick)
    if free < needed:
        found.append(
            f"the disk has {free / 2**20:,.0f} MiB free where the largest row takes {needed / 2**20:,.0f} MiB; "
            "see --directory."
        )
    return found
