"""Takes pictures of every page: desktop and phone, light and dark.  screenshots.py FOLDER

They are for a person to look at. The one in examples/dashboard is FOLDER/desktop-light-overview.png.
"""

import json
import pathlib
import sys
import tempfile

from playwright.sync_api import sync_playwright
from support import BROWSER_ARGUMENTS, Client, Dashboard, chromium

SIZES = {"desktop": {"width": 1280, "height": 860}, "phone": {"width": 390, "height": 844}}
SAMPLES_SHOWN = 25


def fill(client):
    """Demo receivers and enough events for something to be seen."""
    client.call("POST", "/api/demo", {"enabled": True})
    client.call(
        "POST", "/api/webhooks",
        {"url": "https://api.yourcompany.example/subverse/webhook", "events": ["call.*"], "agents": ["agent_17"],
         "headers": [{"name": "Authorization", "value": "Bearer 6f1c"}, {"name": "X-Client-ID", "value": "7"}],
         "description": "CRM", "timeoutMs": 8000, "rateLimit": {"perSecond": 20}},
    )  # fmt: skip
    samples = {each["name"]: each["sample"] for each in client.get("/api/about")["eventTypes"]}
    names = ["call.completed", "call.placed", "workflow.completed", "call.errored", "workflow.started"]
    return lambda turn: client.call(
        "POST", "/api/simulate",
        {"eventType": names[turn % len(names)], "data": json.dumps(samples[names[turn % len(names)]]), "count": 3 + turn % 7},
    )  # fmt: skip


def pages(client):
    webhooks = {each["demo"]: each["id"] for each in client.get("/api/webhooks")["webhooks"]}
    failed = client.get(f"/api/deliveries?webhookId={webhooks['failing']}&state=failed")["deliveries"]
    return {
        "overview": "/overview", "webhooks": "/webhooks", "add": "/webhooks/new",
        "edit": f"/webhooks/{webhooks[None]}/edit", "webhook": f"/webhooks/{webhooks['failing']}",
        "deliveries": "/deliveries", "delivery": f"/deliveries/{failed[0]['id']}" if failed else "/deliveries",
        "undelivered": "/undelivered", "simulate": "/simulate",
    }  # fmt: skip


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data, sync_playwright() as playwright:
        dashboard = Dashboard(data)
        try:
            client = Client(dashboard)
            push = fill(client)
            browser = playwright.chromium.launch(executable_path=chromium(), args=BROWSER_ARGUMENTS)
            watcher = browser.new_page()
            watcher.goto(dashboard.url + "#/overview")
            # One push for each sample that the page gets, until the charts have something to show.
            for turn in range(SAMPLES_SHOWN):
                push(turn)
                watcher.wait_for_function(
                    "n => Chart.getChart(document.querySelector('canvas'))?.data.labels.length > n", arg=turn
                )
            for size, viewport in SIZES.items():
                for theme in ("light", "dark"):
                    context = browser.new_context(viewport=viewport, color_scheme=theme)
                    page = context.new_page()
                    page.on("console", lambda message: print(f"console: {message.text}"))
                    for name, address in pages(client).items():
                        page.goto(f"{dashboard.url}#{address}")
                        page.locator("h1").first.wait_for()
                        page.wait_for_load_state("load")
                        page.wait_for_function(
                            "() => document.querySelector('#live').textContent === 'live' && (!document.querySelector('canvas')"
                            " || [...document.querySelectorAll('canvas')].every(canvas => Chart.getChart(canvas)))"
                        )
                        details = page.locator("details")
                        if name == "edit" and details.count():
                            details.first.evaluate("element => { element.open = true; }")
                        page.screenshot(path=folder / f"{size}-{theme}-{name}.png", full_page=True)
                        wide = page.evaluate("document.documentElement.scrollWidth")
                        if wide > viewport["width"]:
                            print(f"{size} {theme} {name}: {wide} wide")
                    context.close()
            browser.close()
        finally:
            dashboard.close()
    print(f"{len(list(folder.glob('*.png')))} pictures in {folder}")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
