"""Who may do what, what is kept, what never leaves the server; and the keyboard."""

import json
import re

from playwright.sync_api import expect
from support import Client
from test_webhooks import add, go


def test_production_refuses_private_urls(dashboards, open_page, tmp_path):
    dashboard = dashboards(tmp_path, "--environment", "production")
    page = open_page(dashboard.url + "#/webhooks/new")
    url = page.get_by_label("Webhook URL", exact=True)
    for typed, reason in (
        ("http://receiver.example.com/", "url must use https in production, not http"),
        ("https://localhost/hook", "loopback 127.0.0.0/8"),
        ("https://192.168.1.10/hook", "private network 192.168.0.0/16"),
        ("https://[::1]/hook", "loopback"),
        ("https://169.254.169.254/latest/meta-data", "link-local"),
    ):
        url.fill(typed)
        expect(page.get_by_text(reason)).to_be_visible()
    page.get_by_label("Select all call events").check()
    page.get_by_role("button", name="Create Webhook").click()
    expect(page.get_by_role("alert").filter(has_text="link-local").first).to_be_visible()
    client = Client(dashboard)
    assert client.get("/api/webhooks")["total"] == 0
    status, text, _ = client.raw("POST", "/api/webhooks", {"url": "https://10.0.0.1/", "events": ["*"]})
    assert status == 422 and json.loads(text)["code"] == "ADDRESS_REFUSED"
    go(page, "/simulate")
    expect(page.get_by_role("switch", name="Demo receivers")).to_be_disabled()
    assert client.raw("POST", "/api/demo", {"enabled": True})[0] == 409


def test_requests_of_other_sites_are_refused(dashboard, client):
    body = {"url": "http://127.0.0.1:9/", "events": ["*"]}
    before = client.get("/api/webhooks")["total"]
    other = f"http://127.0.0.1:{dashboard.port + 1}"
    for headers in (
        {"X-CSRF-Token": None}, {"X-CSRF-Token": "0" * 64}, {"Cookie": None}, {"Origin": other}, {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
    ):  # fmt: skip
        assert client.raw("POST", "/api/webhooks", body, headers)[0] == 403, headers
    assert client.raw("GET", "/api/webhooks", headers={"Host": "evil.example"})[0] == 421
    # Of another visitor's session.
    assert client.raw("POST", "/api/webhooks", body, {"Cookie": "martlet_dashboard=a.b"})[0] == 403
    assert client.get("/api/webhooks")["total"] == before
    assert client.raw("POST", "/api/webhooks", body)[0] == 201


def test_a_page_of_another_site_can_do_nothing(dashboard, client, receivers, open_page):
    """A real browser, with the visitor's cookie, on a page of another origin."""
    before = client.get("/api/webhooks")["total"]
    page = open_page(dashboard.url)
    expect(page.locator("#live")).to_have_text("live")
    page.goto(receivers().url)
    script = """async url => {
        const body = JSON.stringify({ url: 'http://127.0.0.1:9/', events: ['*'] });
        const sent = await fetch(url, { method: 'POST', body, credentials: 'include', mode: 'no-cors' }).catch(error => error);
        return await fetch(url, { credentials: 'include' }).then(answer => answer.text()).catch(() => 'unreadable');
    }"""
    assert page.evaluate(script, dashboard.url + "api/webhooks") == "unreadable"
    assert client.get("/api/webhooks")["total"] == before


def test_policy_and_headers(client):
    for path in ("/", "/static/js/main.js", "/api/about", "/api/none"):
        _, _, headers = client.raw("GET", path)
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "Access-Control-Allow-Origin" not in headers
    page = client.raw("GET", "/")[1]
    assert not re.search(r"<script(?![^>]* src=)|<style|\son\w+=|https?://", page)


def test_a_token_is_needed_elsewhere(dashboards, open_page, tmp_path):
    dashboard = dashboards(tmp_path, "--host", "0.0.0.0")
    token = (tmp_path / "token").read_text().strip()
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600
    assert token not in dashboard.log
    bare = Client.__new__(Client)
    bare.dashboard, bare.cookie, bare.csrf = dashboard, None, None
    for path in ("/api/webhooks", "/api/deliveries", "/api/live", "/api/about", "/api/overview"):
        assert bare.raw("GET", path)[0] == 401, path
    assert bare.raw("POST", "/login", {"token": "wrong"})[0] == 401
    assert json.loads(bare.raw("GET", "/api/session")[1]) == {"tokenNeeded": True}
    assert Client(dashboard, token).get("/api/webhooks")["total"] == 0
    page = open_page(f"http://127.0.0.1:{dashboard.port}/")
    page.get_by_label("Token").fill("not the token")
    page.keyboard.press("Enter")
    expect(page.get_by_text("this is not the token")).to_be_visible()
    page.get_by_label("Token").fill(token)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def test_what_is_kept_over_a_restart(dashboards, receivers, open_page, tmp_path):
    first = dashboards(tmp_path)
    client = Client(first)
    receiver = receivers(503)
    id, _ = add(client, receiver.url, description="Kept", retry={"delaysSeconds": [3600]})
    client.call("POST", "/api/simulate", {"eventType": "call.placed", "data": '{"callId": "kept"}'})
    client.call("POST", "/api/demo", {"enabled": True})
    receiver.wait_for(1)
    assert first.close() == 0
    page = open_page(dashboards(tmp_path).url + "#/undelivered")
    waiting = page.get_by_role("region", name="Waiting")
    waiting.locator("tr", has=page.get_by_role("link", name="Kept")).get_by_role("link", name="call.placed").click()
    expect(page.get_by_label("Payload")).to_contain_text('"callId": "kept"')
    expect(page.locator("[data-attempt='1']")).to_contain_text("503")
    go(page, "/simulate")
    expect(page.get_by_role("switch", name="Demo receivers")).to_be_checked()


def test_a_second_dashboard_on_the_same_data_says_so(dashboards, dashboard):
    try:
        dashboards(dashboard.data)
    except AssertionError as error:
        assert "another dashboard has" in str(error)
    else:
        raise AssertionError("two dashboards had one folder")


def test_no_secret_in_log_or_answers(dashboard, client, receivers):
    receiver = receivers(400)
    value = "Bearer very-secret-value"
    id, secret = add(client, receiver.url, headers=[{"name": "Authorization", "value": value}])
    client.call("POST", "/api/simulate", {"eventType": "call.placed", "data": "{}"})
    signature = receiver.wait_for(1)[0][0]["webhook-signature"]
    delivery = client.get(f"/api/deliveries?webhookId={id}")["deliveries"][0]["id"]
    client.raw("POST", "/api/webhooks", {"url": "x", "events": ["*"], "headers": [{"name": "A b", "value": value}]})
    client.raw("PUT", f"/api/webhooks/{id}", {"headers": [{"name": "Authorization", "value": value + "\n"}]})
    answers = "".join(
        client.raw("GET", path)[1]
        for path in ("/", "/api/about", "/api/overview", "/api/webhooks", f"/api/webhooks/{id}", "/api/deliveries",
                     f"/api/deliveries/{delivery}", "/api/webhooks/names", "/api/choices")
    )  # fmt: skip
    shown = json.loads(client.raw("GET", f"/api/deliveries/{delivery}")[1])["headers"]
    assert {"name": "Authorization", "value": None} in shown
    assert {"name": "webhook-signature", "value": None} in shown
    for text in (answers, dashboard.log):
        assert secret not in text and "very-secret" not in text and signature.split(",")[1] not in text


def test_bad_input_gets_a_clear_error(client):
    for method, path, body, status, words in (
        ("POST", "/api/webhooks", [], 400, "must be a JSON object"),
        ("POST", "/api/webhooks", {"events": ["*"]}, 422, "url"),
        ("POST", "/api/webhooks", {"url": "http://127.0.0.1/", "events": ["call.nothing"]}, 422, "call.nothing"),
        ("POST", "/api/webhooks", {"url": "http://127.0.0.1/", "events": ["*"], "headers": "x"}, 422, "headers"),
        ("GET", "/api/webhooks/wh_nothing", None, 404, "no webhook"),
        ("GET", "/api/deliveries/dlv_nothing", None, 404, ""),
        ("GET", "/api/deliveries?state=lost", None, 422, "state"),
        ("POST", "/api/simulate", {"eventType": "call.placed", "data": "{"}, 422, "data must be JSON"),
        ("POST", "/api/simulate", {"eventType": "call.placed", "data": "{}", "count": 0}, 422, "1 to 10000"),
        ("POST", "/api/replay", {"perSecond": 0}, 422, "perSecond"),
    ):
        code, text, _ = client.raw(method, path, body)
        assert code == status and words in json.loads(text)["error"], (method, path, body, code, text)


def test_keyboard_alone(page, client, receivers):
    receiver = receivers()
    page.locator("#live.on").wait_for()
    page.keyboard.press("Tab")
    page.evaluate("document.activeElement.blur()")
    page.get_by_role("link", name="Webhooks").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Webhooks", exact=True)).to_be_visible()
    page.get_by_role("link", name="+ Add Webhook").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Add webhook")).to_be_visible()

    def tab_to(label):
        """Tab alone reaches the control, and it is seen that it has the focus."""
        for _ in range(60):
            page.keyboard.press("Tab")
            found = page.evaluate(
                """() => { const e = document.activeElement; return [e.getAttribute('aria-label') || e.labels?.[0]?.innerText
                || e.innerText, getComputedStyle(e).outlineStyle]; }"""
            )
            if found[0].strip() == label:
                assert found[1] != "none", f"{label} does not show its focus"
                return
        raise AssertionError(f"Tab does not reach {label}")

    tab_to("Webhook URL")
    page.keyboard.type(receiver.url)
    tab_to("Description")
    page.keyboard.type("By keyboard")
    tab_to("Select all call events")
    page.keyboard.press("Space")
    tab_to("Create Webhook")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    tab_to("I have it")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="By keyboard", exact=True)).to_be_visible()
    tab_to("Enabled: By keyboard")
    page.keyboard.press("Space")
    expect(page.locator("tr", has_text="By keyboard")).to_contain_text("Off: switched off")
    assert client.get("/api/webhooks?text=keyboard")["webhooks"][0]["enabled"] is False


def test_controls_have_labels(page, client, receivers):
    id, _ = add(client, receivers().url, headers=[{"name": "X-A", "value": "b"}])
    for path in ("/webhooks", f"/webhooks/{id}/edit", "/deliveries", "/simulate"):
        go(page, path)
        page.wait_for_function("path => location.hash === '#' + path && document.querySelector('main h1')", arg=path)
        nameless = page.evaluate(
            """() => [...document.querySelectorAll('main input, main select, main textarea, main button')]
            .filter(e => !e.labels?.length && !e.getAttribute('aria-label') && !e.innerText.trim()).map(e => e.outerHTML)"""
        )
        assert nameless == [], path
