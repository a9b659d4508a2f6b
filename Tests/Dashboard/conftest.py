"""Fixtures: dashboards, receivers and pages that end with their test."""

import pytest
from playwright.sync_api import expect, sync_playwright
from support import BROWSER_ARGUMENTS, Client, Dashboard, Receiver, chromium

# What is waited for may take its time on a loaded machine.
expect.set_options(timeout=20_000)


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=BROWSER_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory):
    """One for all tests of a file: each uses webhooks of its own."""
    dashboard = Dashboard(tmp_path_factory.mktemp("data"))
    yield dashboard
    assert dashboard.close() == 0, dashboard.log


@pytest.fixture
def client(dashboard):
    return Client(dashboard)


@pytest.fixture
def dashboards():
    started = []

    def start(*arguments, **more):
        started.append(Dashboard(*arguments, **more))
        return started[-1]

    yield start
    for dashboard in started:
        if dashboard.process.poll() is None:
            dashboard.close()


@pytest.fixture
def receivers():
    started = []

    def start(*arguments, **more):
        started.append(Receiver(*arguments, **more))
        return started[-1]

    yield start
    for receiver in started:
        receiver.close()


@pytest.fixture
def open_page(browser):
    """Opens pages; what goes wrong in their scripts fails the test."""
    contexts, problems = [], []

    def open_page(url, **more):
        context = browser.new_context(**more)
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        page.problems = problems
        page.on("pageerror", lambda error: problems.append(str(error)))
        # Also what the content security policy has stopped.
        page.on("console", lambda message: problems.append(message.text) if "Content Security" in message.text else None)
        # An alert would be a script that got in.
        page.on("dialog", lambda dialog: (problems.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not problems, problems


@pytest.fixture
def page(open_page, dashboard):
    return open_page(dashboard.url)
