"""Keeps a row for each event of a call, and draws them.

  python analytics.py DATABASE              prints calls by agent
  python analytics.py DATABASE PICTURE.svg  draws them; .png and .pdf too
"""

import sqlite3
import sys

SCHEMA = """
CREATE TABLE IF NOT EXISTS tracked (
    event_id TEXT PRIMARY KEY,
    event TEXT NOT NULL,
    at TEXT NOT NULL,
    agent_id TEXT, duration REAL, status TEXT, sentiment TEXT
);
"""


def work(event, db):
    if not event.type.startswith("call."):
        return
    data = event.data
    name = event.type.replace(".", " ").replace("_", " ").title()  # Call Completed
    analysis = data.get("analysis") or {}
    db.execute(
        "INSERT INTO tracked VALUES (?, ?, ?, ?, ?, ?, ?)",
        (event.id, name, event.created_at, data.get("agentId"), data.get("callDuration"), data.get("callStatus"),
         analysis.get("sentiment")),
    )


def events_by_agent(db):
    """{agent: {event: count}}"""
    counts = {}
    rows = db.execute("SELECT coalesce(agent_id, 'unknown'), event, count(*) FROM tracked GROUP BY 1, 2 ORDER BY 1, 2")
    for agent, event, count in rows:
        counts.setdefault(agent, {})[event] = count
    return counts


def durations(db):
    """[(agent, mean seconds of its completed calls)]"""
    return db.execute(
        "SELECT coalesce(agent_id, 'unknown'), avg(duration) FROM tracked"
        " WHERE event = 'Call Completed' AND duration IS NOT NULL GROUP BY 1 ORDER BY 1"
    ).fetchall()


def draw(db, path):
    import matplotlib

    matplotlib.use("Agg")  # no screen
    matplotlib.rcParams["svg.fonttype"] = "none"  # text stays text
    matplotlib.rcParams["text.parse_math"] = False  # names come from outside: a dollar sign in one is no formula
    from matplotlib import pyplot

    counts, means = events_by_agent(db), durations(db)
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
    bottom = dict.fromkeys(counts, 0)
    for event in sorted({event for of_agent in counts.values() for event in of_agent}):
        heights = [counts[agent].get(event, 0) for agent in counts]
        left.bar(list(counts), heights, 0.5, list(bottom.values()), label=event)
        bottom = {agent: bottom[agent] + height for agent, height in zip(counts, heights)}
    left.set(title="Events by agent", ylabel="events")
    if counts:
        left.legend(loc="upper left", bbox_to_anchor=(1, 1))
    right.bar([agent for agent, _ in means], [mean for _, mean in means], 0.5)
    right.set(title="Mean duration of completed calls", ylabel="seconds")
    for axes in (left, right):
        axes.margins(x=0.3)
    figure.savefig(path)


def main(path, picture=None):
    db = sqlite3.connect(path)
    if picture:
        draw(db, picture)
        return
    means = dict(durations(db))
    for agent, counts in events_by_agent(db).items():
        told = ", ".join(f"{event} {count}" for event, count in counts.items())
        print(f"{agent}: {told}" + (f"; mean duration {means[agent]:.0f} s" if agent in means else ""))


if __name__ == "__main__":
    main(*sys.argv[1:3])
