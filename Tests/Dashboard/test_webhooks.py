"""The seed's walk through webhooks: add with all seven steps, switch, edit, test, delete, rotate."""

import json

import martlet
import pytest
from playwright.sync_api import expect


def go(page, path):
    page.evaluate("path => { location.hash = path }", path)


def section(page, name):
    return page.get_by_role("region", name=name, exact=True)


def add(client, url, **more):
    answer = client.call("POST", "/api/webhooks", {"url": url, "events": ["*"], **more})
    return answer["webhook"]["id"], answer["secret"]


def row(page, id):
    return page.locator(f'tr[data-id="{id}"]')


def test_add_with_all_steps(page, client, receivers):
    receiver = receivers()
    page.get_by_role("link", name="Webhooks").click()
    page.get_by_role("link", name="+ Add Webhook").first.click()
    page.get_by_label("Webhook URL", exact=True).fill(receiver.url)
    expect(page.get_by_text("This URL is accepted.")).to_be_visible()
    page.get_by_label("Description").fill("All seven steps")
    agents = section(page, "Agents")
    agents.get_by_label("Specific agents").check()
    agents.get_by_label("agent_17").check()
    agents.get_by_label("Another agent").fill("agent_99")
    agents.get_by_role("button", name="Add agent").click()
    section(page, "Workflows").get_by_label("Select all: events of every workflow").check()
    headers = section(page, "Custom headers")
    for name, value in (("Authorization", "Bearer abc123xyz"), ("X-Client-ID", "client-7")):
        headers.get_by_role("button", name="+ Add header").click()
        headers.get_by_label("Header key").last.fill(name)
        headers.get_by_label("Header value").last.fill(value)
    events = section(page, "Events")
    events.get_by_label("Select all call events").check()
    events.get_by_label("Workflow failed").check()
    more = section(page, "Advanced")
    more.get_by_text("Retry, timeout").click()
    more.get_by_label("Retry after seconds").fill("0.5, 2")
    more.get_by_label("Timeout in ms").fill("3000")
    more.get_by_label("Attempts a second").fill("50")
    more.get_by_label("Ordering").select_option("key")
    more.get_by_label("Payload format").select_option("standard")
    page.get_by_role("button", name="Create Webhook").click()

    secret = page.get_by_label("Signing secret").get_by_role("textbox").input_value()
    assert secret.startswith("whsec_")
    page.get_by_role("button", name="I have it").click()
    expect(page.get_by_role("link", name="All seven steps", exact=True)).to_be_visible()

    found = [each for each in client.get("/api/webhooks?text=seven")["webhooks"]]
    assert len(found) == 1
    webhook = found[0]
    assert webhook["agents"] == ["agent_17", "agent_99"] and webhook["workflows"] is None
    assert sorted(webhook["events"]) == ["call.*", "workflow.failed"]
    assert webhook["headers"] == ["Authorization", "X-Client-ID"]
    assert webhook["retry"] == {"delaysSeconds": [0.5, 2]} and webhook["timeoutMs"] == 3000
    assert webhook["rateLimit"] == {"perSecond": 50} and webhook["ordering"] == "key"

    # Of these, what the filters let through arrives: signed, with the headers, in the format.
    for agent in ("agent_1", "agent_99"):
        data = json.dumps({"callId": "call_1", "agentId": agent})
        client.call("POST", "/api/simulate", {"eventType": "call.completed", "data": data})
    request, body = receiver.wait_for(1)[0]
    assert request["Authorization"] == "Bearer abc123xyz" and request["X-Client-ID"] == "client-7"
    assert json.loads(body)["data"]["agentId"] == "agent_99" and json.loads(body)["type"] == "call.completed"
    martlet.verify(secret, request, body)
    # Shown the once: no page and no answer has it, nor the values of the headers.
    go(page, f"/webhooks/{webhook['id']}/edit")
    expect(page.get_by_role("heading", name="Edit webhook")).to_be_visible()
    fields = page.evaluate("[...document.querySelectorAll('input')].map(input => input.value).join()")
    for text in (page.content(), fields, json.dumps(client.get("/api/webhooks")), client.raw("GET", "/")[1]):
        assert "whsec_" not in text and "abc123xyz" not in text and "client-7" not in text


def test_url_is_judged_as_it_is_typed(page):
    go(page, "/webhooks/new")
    url = page.get_by_label("Webhook URL", exact=True)
    for typed, reason in (
        ("ftp://receiver.example.com/", "url must use http or https, not ftp"),
        ("https://user:pass@receiver.example.com/", "url must not carry a user name or password"),
        ("https://10.1.2.3/hook", "private network 10.0.0.0/8"),
    ):
        url.press("Control+a")
        url.press_sequentially(typed)
        expect(page.get_by_text(reason)).to_be_visible()
        expect(url).to_have_attribute("aria-invalid", "true")
    url.fill("https://receiver.example.com/hook")
    expect(page.get_by_text("This URL is accepted.")).to_be_visible()


def test_at_least_one_event_is_needed(page, client):
    before = client.get("/api/webhooks")["total"]
    go(page, "/webhooks/new")
    page.get_by_label("Webhook URL", exact=True).fill("https://receiver.example.com/hook")
    page.get_by_role("button", name="Create Webhook").click()
    expect(page.get_by_text("choose at least one event").first).to_be_visible()
    assert client.get("/api/webhooks")["total"] == before


def test_what_the_library_refuses_is_shown_at_its_field(page):
    go(page, "/webhooks/new")
    page.get_by_label("Webhook URL", exact=True).fill("https://receiver.example.com/hook")
    page.get_by_label("Call placed").check()
    page.get_by_text("Retry, timeout").click()
    page.get_by_label("Timeout in ms").fill("5")
    page.get_by_role("button", name="Create Webhook").click()
    timeout = page.locator('[data-key="timeoutMs"]')
    expect(timeout.get_by_role("alert")).to_contain_text("timeoutMs must be a whole number from 100 to 300000")
    expect(page.get_by_label("Timeout in ms")).to_be_focused()


def test_select_all_of_a_category(page):
    go(page, "/webhooks/new")
    every, placed = page.get_by_label("Select all workflow events"), page.get_by_label("Workflow started")
    every.check()
    expect(placed).to_be_checked()
    placed.uncheck()
    expect(every).not_to_be_checked()
    placed.check()
    expect(every).to_be_checked()
    expect(page.get_by_label("Call placed")).not_to_be_checked()


def test_toggle(page, client, receivers):
    receiver = receivers()
    id, _ = add(client, receiver.url, description="To be switched")
    go(page, "/webhooks")
    switch = row(page, id).get_by_role("switch")
    expect(switch).to_be_checked()
    switch.click()
    expect(row(page, id)).to_contain_text("Off: switched off")
    assert client.get(f"/api/webhooks/{id}")["enabled"] is False
    data = {"eventType": "call.placed", "data": "{}"}
    client.call("POST", "/api/simulate", data)
    row(page, id).get_by_role("switch").click()
    expect(row(page, id)).to_contain_text("Active")
    client.call("POST", "/api/simulate", data)
    # The event that was pushed meanwhile passed it by.
    receiver.wait_for(1)
    expect(row(page, id)).to_contain_text("Succeeded")
    assert len(receiver.requests) == 1


def test_edit_keeps_header_values_that_are_not_touched(page, client, receivers):
    receiver = receivers()
    headers = [{"name": "Authorization", "value": "Bearer kept"}, {"name": "X-Old", "value": "old"}]
    id, _ = add(client, receiver.url, description="Before", headers=headers)
    go(page, "/webhooks")
    row(page, id).get_by_role("link", name="Edit").click()
    page.get_by_label("Description").fill("After")
    page.get_by_label("Header value of X-Old").fill("new")
    page.get_by_label("Select all workflow events").uncheck()
    page.get_by_role("button", name="Update Webhook").click()
    expect(page.get_by_role("heading", name="After")).to_be_visible()
    assert client.get(f"/api/webhooks/{id}")["events"] == ["call.*"]
    client.call("POST", "/api/simulate", {"eventType": "call.placed", "data": "{}"})
    request, _ = receiver.wait_for(1)[0]
    assert request["Authorization"] == "Bearer kept" and request["X-Old"] == "new"


def test_delete_asks_first(page, client, receivers):
    id, _ = add(client, receivers().url, description="To be deleted")
    go(page, "/webhooks")
    row(page, id).get_by_text("Delete", exact=True).click()
    page.get_by_role("button", name="Keep it").click()
    expect(row(page, id)).to_be_visible()
    row(page, id).get_by_text("Delete", exact=True).click()
    page.get_by_role("button", name="Delete webhook").click()
    expect(row(page, id)).to_have_count(0)
    assert client.raw("GET", f"/api/webhooks/{id}")[0] == 404


@pytest.mark.parametrize(("status", "state"), [(200, "succeeded"), (500, "failed")])
def test_test_shows_its_result(page, client, receivers, status, state):
    receiver = receivers(status, body="what the receiver says")
    id, _ = add(client, receiver.url, description=f"Tested {status}")
    go(page, "/webhooks")
    row(page, id).get_by_text("Test", exact=True).click()
    page.get_by_role("dialog").get_by_label("Event type").select_option("workflow.completed")
    page.get_by_role("button", name="Send test").click()
    result = page.locator(f'[data-test-result="{state}"]')
    expect(result).to_contain_text(str(status))
    expect(page.get_by_role("dialog")).to_contain_text("what the receiver says")
    request, body = receiver.requests[0]
    assert request["webhook-test"] == "true" and json.loads(body)["eventType"] == "workflow.completed"


def test_rotation_with_overlap(page, client, receivers):
    receiver = receivers()
    id, old = add(client, receiver.url, description="To be rotated")
    go(page, f"/webhooks/{id}")
    page.get_by_role("button", name="Rotate secret").click()
    page.get_by_label("The former secret stays valid").select_option("3600")
    page.get_by_role("button", name="Make a new secret").click()
    new = page.get_by_label("Signing secret").get_by_role("textbox").input_value()
    page.get_by_role("button", name="I have it").click()
    assert new != old
    expect(page.get_by_text("one until")).to_be_visible()
    client.call("POST", "/api/simulate", {"eventType": "call.placed", "data": "{}"})
    request, body = receiver.wait_for(1)[0]
    for secret in (old, new):
        martlet.verify(secret, request, body)
    assert new not in page.content() and old not in page.content()
