"""Blocks of the table as text for a terminal, or as Markdown for the page Performance."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Block:
    """Rows under a title with the same columns; a row has a title and cells, and an indented title belongs to the
    row before it."""

    title: str
    columns: list[str]
    lines: list[tuple[str, list[str]]] = field(default_factory=list)


def as_text(blocks: list[Block]) -> str:
    """All with the same widths."""
    width = max(len(title) for block in blocks for title in [block.title, *(name for name, _ in block.lines)])
    lines = []
    for block in blocks:
        if lines:
            lines.append("")
        lines.append("  ".join([block.title.ljust(width)] + [name.rjust(18) for name in block.columns]))
        lines.append("-" * len(lines[-1]))
        for name, cells in block.lines:
            lines.append("  ".join([name.ljust(width)] + [cell.rjust(18) for cell in cells]).rstrip())
    return "\n".join(lines)


def as_markdown(blocks: list[Block]) -> str:
    parts = []
    for block in blocks:
        columns = [name for name in block.columns if name]
        used = [number for number, name in enumerate(block.columns) if name]
        rows = [f"| {block.title} | {' | '.join(columns)} |", "|---|" + "--:|" * len(columns)]
        for name, cells in block.lines:
            # An error is longer than its column and has it alone.
            shown = [cells[number] if number < len(cells) else "" for number in used]
            indented = name.replace("  ", "\u2003", 1) if name.startswith("  ") else name
            rows.append(f"| {' | '.join([indented, *shown])} |")
        parts.append("\n".join(rows))
    return "\n\n".join(parts)


def marks(rows: str) -> tuple[str, str]:
    """The lines that figures stand between; a run of chosen rows has its own, so that a page may hold several."""
    name = f"figures of --rows {rows}" if rows else "figures"
    return f"<!-- {name}: written by Tests/Benchmarks/run.sh -->", f"<!-- end of {name} -->"


def split_page(path: Path, rows: str) -> tuple[str, str]:
    """What stands before and behind the figures, marks included; a page that does not exist has the marks alone.

    Raises ValueError for a page without them.
    """
    begin, end = marks(rows)
    if not path.exists():
        return f"{begin}\n", f"{end}\n"
    before, found, rest = path.read_text(encoding="utf-8").partition(f"{begin}\n")
    _, found_end, behind = rest.partition(f"{end}\n")
    if not found or not found_end:
        raise ValueError(f"{path} has no lines {begin} and {end} to write between")
    return before + found, found_end + behind


def write_page(path: Path, rows: str, figures: str) -> None:
    before, behind = split_page(path, rows)
    path.write_text(f"{before}\n{figures}\n\n{behind}", encoding="utf-8")
