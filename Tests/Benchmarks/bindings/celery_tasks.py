"""What a Celery worker runs for the benchmark: one task posts one webhook, as most programs with Celery do it."""

import itertools
import os

import requests
from celery import Celery
from requests.adapters import HTTPAdapter

app = Celery("hooks", broker=os.environ["BENCHMARK_BROKER"])
app.conf.task_ignore_result = True

# How many deliveries are to be told of, and where to. In a worker of threads all of them count on.
MARKS = [int(mark) for mark in os.environ.get("BENCHMARK_MARKS", "").split(",") if mark]
TOLD = int(os.environ.get("BENCHMARK_TOLD", "-1"))
counter = itertools.count(1)
# Connections are kept, one for each delivery in flight. Not a session for each thread: with gevent each task would have
# a new one, and connect anew.
session = requests.Session()
session.mount("http://", HTTPAdapter(pool_maxsize=int(os.environ.get("BENCHMARK_IN_FLIGHT", "64"))))


@app.task
def deliver(url: str, headers: dict, body: str) -> None:
    response = session.post(url, data=body.encode(), headers=headers, timeout=5)
    number = next(counter)
    if response.status_code != 200:
        os.write(TOLD, b"failed\n")
    elif number in MARKS:
        os.write(TOLD, b"done\n")
