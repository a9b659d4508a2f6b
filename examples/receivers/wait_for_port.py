"""wait_for_port.py PORT PID SECONDS: waits until 127.0.0.1:PORT accepts connections; fails when PID ends before."""

import os
import socket
import sys
import time

port, pid, seconds = (int(argument) for argument in sys.argv[1:])
end = time.monotonic() + seconds
while time.monotonic() < end:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        sys.exit(0)
    except OSError:
        time.sleep(0.02)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        sys.exit("the process has ended")
sys.exit(f"port {port} did not open within {seconds} seconds")
