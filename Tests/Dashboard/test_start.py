"""run.sh, as a newcomer calls it: twice, with an environment of its own."""

import os
import signal
import subprocess
import urllib.request

from support import DASHBOARD, ROOT

# Kept between runs of the tests: a second one installs nothing.
WORK = ROOT / ".build-test" / "dashboard" / "run"


def start(data, *arguments):
    return subprocess.Popen(
        ["bash", str(DASHBOARD / "run.sh"), "--port", "0", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=os.environ | {"DASHBOARD_WORK": str(WORK), "XDG_DATA_HOME": str(data)},
    )  # fmt: skip


def test_run_twice(tmp_path):
    printed = []
    for _ in range(2):
        process = start(tmp_path)
        lines = []
        while not (lines and "http://" in lines[-1]):
            line = process.stdout.readline()
            assert line, "".join(lines)
            lines.append(line)
        url = lines[-1].split()[-1]
        assert url.startswith("http://127.0.0.1:")
        assert b"Martlet" in urllib.request.urlopen(url, timeout=20).read()
        assert urllib.request.urlopen(url + "vendor/chart.js", timeout=20).read(200).startswith(b"/*!\n * Chart.js")
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        printed.append("".join(lines))
    # What was installed is not installed again, and the data is where it says.
    assert "Installing" not in printed[1], printed[1]
    assert (tmp_path / "martlet-dashboard" / "engine").is_dir()


def test_what_is_wrong_with_an_option_is_told(tmp_path):
    for arguments, words in ((["--token", "short"], "at least 16"), (["--port", "70000"], "0 to 65535")):
        process = start(tmp_path, *arguments)
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 2 and words in output, output
