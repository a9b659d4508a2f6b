"""What one line of the benchmark table is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the table: which client runs, how much it does, and what it is compared with."""

    id: str
    title: str
    client: str  # one that rounds.Bench.command knows
    count: int  # measured deliveries, pushes or webhooks in a round; fairness: milliseconds of the undisturbed part
    quick_count: int
    kind: str = "deliver"  # a key of table.COLUMNS: which columns it fills
    group: str = "main"
    baseline: str = ""  # id of the row that its CPU, or kind store: the time of an event, is divided by
    anchors: tuple[str, ...] = ()  # kind store: ids of rows whose time of an event is divided by that of this row
    hosts: int = 1
    in_flight: int = 64
    body_bytes: int = 1024
    delay_ms: int = 0  # how long the sink holds each answer back
    warm_up: int = 500  # deliveries or pushes; fairness: milliseconds
    sync: str = ""  # os, interval or always: its client gets a directory for a journal or a database
    once: bool = False  # in a quick run one round has to do
    threads: int = 1  # that push
    batch: int = 1  # events in a call, rows in a transaction
    hanging: int = 0  # webhooks whose receiver is a second sink, which answers nothing before the deadline
    tls: bool = False  # the receiver is nginx, over HTTPS
    newer_libcurl: bool = False  # the client is run with the libcurl that PyPI's pycurl brings along
    form: str = "ready"  # of the events that the host of a language pushes, see hosts.py
    arguments: tuple[str, ...] = ()  # for this client alone
