"""The benchmark runs, and a list page does not read more than it shows: no timing is asserted."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Benchmarks"))
import dashboard  # noqa: E402


def test_a_short_run(capsys):
    dashboard.main(["--deliveries", "300", "--webhooks", "30", "--requests", "2"])
    printed = capsys.readouterr().out
    assert printed.startswith("300 deliveries, 30 webhooks") and "slowest median" in printed
    # Every page has its line.
    assert printed.count(" median ") >= 11
