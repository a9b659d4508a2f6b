"""What became of events: the log, its details, retries, replay, the overview, simulation; live, and escaped."""

import json

import pytest
from playwright.sync_api import expect
from test_webhooks import add, go, row

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&amp;</pre>"


def push(client, data, event_type="call.completed", count=1):
    return client.call("POST", "/api/simulate", {"eventType": event_type, "data": json.dumps(data), "count": count})


def wait_until_settled(page, id, state):
    go(page, f"/deliveries/{id}")
    expect(page.locator("main .head")).to_contain_text(state)


def newest(client, webhook):
    return client.get(f"/api/deliveries?webhookId={webhook}")["deliveries"][0]["id"]


def test_a_failing_receiver_in_the_log(page, client, receivers):
    receiver = receivers(503, body="the database is down")
    id, _ = add(client, receiver.url, retry={"delaysSeconds": [0.05, 0.05]})
    go(page, f"/deliveries?webhookId={id}")
    expect(page.get_by_text("No deliveries fit.")).to_be_visible()
    push(client, {"callId": "call_1"})
    # The list is live: it shows the delivery by itself.
    rows = page.get_by_role("region", name="Deliveries").locator("tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Failed")
    expect(rows).to_contain_text("503")
    rows.get_by_role("link", name="call.completed").click()
    attempts = page.locator("[data-attempt]")
    expect(attempts).to_have_count(3)
    for number in range(3):
        expect(attempts.nth(number)).to_contain_text("503")
        expect(attempts.nth(number)).to_contain_text("the database is down")
    expect(page.get_by_label("Payload")).to_contain_text('"callId": "call_1"')


def test_no_connection_shows_its_error(page, client, receivers):
    gone = receivers()
    gone.close()
    id, _ = add(client, gone.url, retry={"delaysSeconds": []})
    push(client, {})
    wait_until_settled(page, newest(client, id), "Failed")
    expect(page.locator("[data-attempt='1']")).to_contain_text("no connection")
    expect(page.locator("[data-attempt='1']")).to_contain_text("Couldn't connect to server")
    gone.close = lambda: None


def test_a_retry_that_succeeds_is_seen_live(page, client, receivers):
    receiver = receivers(500)
    id, _ = add(client, receiver.url, retry={"delaysSeconds": [1, 1, 1]})
    push(client, {})
    receiver.wait_for(1)
    receiver.status = 200
    go(page, f"/deliveries/{newest(client, id)}")
    expect(page.locator("main .head")).to_contain_text("Succeeded")
    expect(page.locator("[data-attempt='1']")).to_contain_text("500")
    expect(page.locator("[data-attempt]").last).to_contain_text("200")


def test_redeliver_and_replay(page, client, receivers):
    receiver = receivers(400)
    id, _ = add(client, receiver.url)
    push(client, {"callId": "again"}, count=3)
    go(page, "/undelivered")
    given_up = page.get_by_role("region", name="Given up")
    expect(given_up.get_by_role("link", name=receiver.url)).to_have_count(3)
    receiver.status = 200
    wait_until_settled(page, newest(client, id), "Failed")
    page.get_by_role("button", name="Redeliver").click()
    expect(page.locator("main .head")).to_contain_text("redelivery")
    expect(page.locator("main .head")).to_contain_text("Succeeded")
    go(page, f"/webhooks/{id}")
    page.get_by_role("button", name="Replay failed").click()
    page.get_by_role("button", name="Replay", exact=True).click()
    # The one that was redelivered is left out.
    expect(page.get_by_role("heading", name="2 queued again")).to_be_visible()
    requests = receiver.wait_for(6)
    assert len({headers["webhook-id"] for headers, _ in requests}) == 3


def test_waiting_deliveries_can_be_canceled(page, client, receivers):
    receiver = receivers(503)
    id, _ = add(client, receiver.url, retry={"delaysSeconds": [3600]})
    push(client, {})
    receiver.wait_for(1)
    go(page, "/undelivered")
    waiting = page.get_by_role("region", name="Waiting")
    mine = waiting.locator("tr", has=page.get_by_role("link", name=receiver.url))
    mine.get_by_role("button", name="Cancel").click()
    expect(mine).to_have_count(0)
    assert client.get(f"/api/deliveries?webhookId={id}")["deliveries"][0]["state"] == "canceled"


def test_filters(page, client, receivers):
    receiver = receivers()
    id, _ = add(client, receiver.url, description="Filtered")
    push(client, {}, "call.placed")
    push(client, {}, "workflow.started")
    receiver.wait_for(2)
    go(page, "/deliveries")
    page.get_by_label("Webhook", exact=True).select_option(id)
    rows = page.get_by_role("region", name="Deliveries").locator("tbody tr")
    expect(rows).to_have_count(2)
    page.get_by_label("Event type").select_option("call.placed")
    expect(rows).to_have_count(1)
    page.get_by_label("State").select_option("failed")
    expect(page.get_by_text("No deliveries fit.")).to_be_visible()
    page.get_by_label("State").select_option("")
    expect(rows).to_have_count(1)
    page.get_by_label("Until").fill("2001-01-01T00:00")
    expect(page.get_by_text("No deliveries fit.")).to_be_visible()


def test_scripts_are_shown_as_text(page, client, receivers):
    """In event data, response bodies, descriptions, agents and header names' neighbours; an alert fails the fixture."""
    receiver = receivers(400, body=HOSTILE, headers={"X-Hostile": HOSTILE})
    headers = [{"name": "X-Value", "value": HOSTILE}]
    id, _ = add(client, receiver.url, description=HOSTILE, headers=headers, agents=[HOSTILE])
    push(client, {"agentId": HOSTILE, "note": HOSTILE})
    wait_until_settled(page, newest(client, id), "Failed")
    expect(page.locator("[data-attempt='1'] pre")).to_have_text(HOSTILE)
    assert HOSTILE in json.loads(page.get_by_label("Payload").inner_text())["data"]["note"]
    for path in ("/webhooks", f"/webhooks/{id}", f"/webhooks/{id}/edit", "/deliveries", "/undelivered", "/overview"):
        go(page, path)
        if path.endswith("edit"):
            expect(page.get_by_label("Description")).to_have_value(HOSTILE)
        else:
            expect(page.locator("main")).to_contain_text(HOSTILE)
    assert page.locator("main img, main script").count() == 0
    assert receiver.requests[0][0]["X-Value"] == HOSTILE


def test_overview_draws_what_happens(page, client, receivers):
    receiver = receivers()
    add(client, receiver.url, description="On the overview")
    go(page, "/overview")
    read = "() => Chart.getChart(document.querySelector('canvas')).data.datasets[0].data"
    page.wait_for_function("() => document.querySelector('canvas') && Chart.getChart(document.querySelector('canvas'))")
    push(client, {}, count=20)
    page.wait_for_function(f"() => ({read})().some(value => value > 0)")
    expect(page.locator(".figure", has_text="Succeeded").locator("dd")).not_to_have_text("0")
    expect(page.get_by_text("On the overview").first).to_be_visible()


def test_overview_ranks_catch_up(page, client, receivers):
    """They are read once in two seconds: where nothing more happens, the page asks again by itself."""
    add(client, receivers(400).url, description="Refuses everything")
    client.get("/api/overview")
    push(client, {})
    wait_until_settled(page, client.get("/api/deliveries")["deliveries"][0]["id"], "Failed")
    go(page, "/overview")
    expect(page.locator("main")).to_contain_text("Refuses everything")


def test_simulate_with_an_edited_sample(page, client, receivers):
    receiver = receivers()
    add(client, receiver.url, events=["workflow.failed"])
    go(page, "/simulate")
    page.get_by_label("Event type").select_option("workflow.failed")
    data = page.get_by_label("Data (JSON)")
    assert "workflowId" in json.loads(data.input_value())
    data.fill("{ not json")
    page.get_by_role("button", name="Push", exact=True).click()
    expect(data).to_have_attribute("aria-invalid", "true")
    data.fill('{"workflowId": "wf_mine"}')
    page.get_by_text("Burst and order").click()
    page.get_by_label("How many").fill("7")
    page.get_by_role("button", name="Push", exact=True).click()
    expect(page.get_by_text("7 events pushed.")).to_be_visible()
    assert json.loads(receiver.wait_for(7)[0][1])["data"] == {"workflowId": "wf_mine"}


def test_demo_receivers(page, client):
    go(page, "/simulate")
    switch = page.get_by_role("switch", name="Demo receivers")
    switch.click()
    expect(page.get_by_text("Four demo receivers and their webhooks are on.")).to_be_visible()
    demo = {each["demo"]: each["id"] for each in client.get("/api/webhooks?text=demo:")["webhooks"]}
    assert set(demo) == {"healthy", "slow", "failing", "limited"}
    push(client, {"callId": "call_1"}, count=40)
    go(page, "/webhooks")
    # The healthy one verifies signatures and answers 401 to others.
    expect(row(page, demo["healthy"])).to_contain_text("100 %")
    expect(row(page, demo["slow"])).to_contain_text("100 %")
    for name, status in (("failing", 503), ("limited", 429)):
        go(page, f"/webhooks/{demo[name]}")
        expect(page.get_by_role("region", name="Recent deliveries")).to_contain_text(str(status))
    go(page, "/simulate")
    page.get_by_role("switch", name="Demo receivers").click()
    expect(page.get_by_text("The demo receivers are off")).to_be_visible()
    assert not any(client.get(f"/api/webhooks/{id}")["enabled"] for id in demo.values())


@pytest.mark.parametrize("size", [(1280, 800), (390, 844)])
def test_no_page_is_wider_than_the_screen(open_page, dashboard, client, receivers, size):
    id, _ = add(client, receivers().url + "/a-long-path" * 12)
    page = open_page(dashboard.url, viewport={"width": size[0], "height": size[1]})
    for path in ("/overview", "/webhooks", f"/webhooks/{id}", f"/webhooks/{id}/edit", "/deliveries", "/undelivered", "/simulate"):
        go(page, path)
        expect(page.locator("h1").first).to_be_visible()
        page.wait_for_function("path => location.hash === '#' + path", arg=path)
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0], path
