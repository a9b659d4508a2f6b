"""Who may do what: the host header, the token, the guard against requests that another site makes, response headers."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Any

from flask import Flask, Request, Response, abort, jsonify, request

from .options import Options

COOKIE = "martlet_dashboard"
CSRF_HEADER = "X-CSRF-Token"
# Scripts, styles and requests are the dashboard's own. Trusted types make it impossible to turn text into HTML.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
# What a visitor without the token may see: the page that asks for it.
OPEN_PATHS = ("/static/", "/vendor/", "/login", "/api/session")


class Guard:
    def __init__(self, options: Options, token: str | None) -> None:
        self._options, self._token = options, token
        # A new one at each start: then every page asks for a new session.
        self._key = secrets.token_bytes(32)

    @property
    def needs_token(self) -> bool:
        return self._token is not None

    def session(self, current: Request) -> str | None:
        """The visitor's session, where its cookie is one that this process made."""
        value = current.cookies.get(COOKIE, "")
        name, _, mark = value.partition(".")
        return name if name and _same(mark, self._mark("session", name)) else None

    def csrf(self, session: str) -> str:
        return self._mark("csrf", session)

    def is_token(self, given: Any) -> bool:
        return self._token is not None and isinstance(given, str) and _same(given, self._token)

    def start_session(self, response: Response) -> str:
        name = secrets.token_urlsafe(18)
        response.set_cookie(
            COOKIE, f"{name}.{self._mark('session', name)}", httponly=True, samesite="Strict", secure=request.is_secure
        )
        return name

    def _mark(self, purpose: str, name: str) -> str:
        return hmac.new(self._key, f"{purpose}:{name}".encode(), hashlib.sha256).hexdigest()

    def check(self) -> None:
        """Runs before each request."""
        # A name of somebody else's that resolves to this machine must not reach a dashboard without a token.
        if self._options.is_loopback and _host_name(request.host) not in self._names():
            abort(421, "this dashboard does not answer to that host name; start it with --name to allow it")
        session = self.session(request)
        if self.needs_token and session is None and not request.path.startswith(OPEN_PATHS) and request.path != "/":
            abort(401, "the token is needed")
        if request.method in ("GET", "HEAD"):
            return
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
            abort(403, "the request comes from another site")
        origin = request.headers.get("Origin")
        if origin is not None and origin != f"{request.scheme}://{request.host}":
            abort(403, "the request comes from another site")
        if request.path == "/login":
            return
        if session is None or not _same(request.headers.get(CSRF_HEADER, ""), self.csrf(session)):
            abort(403, "the request has no valid token against forgery; load the page again")

    def _names(self) -> set[str]:
        return {"127.0.0.1", "localhost", "[::1]", self._options.host, *self._options.names}


def _host_name(host: str) -> str:
    return host if host.endswith("]") else host.rpartition(":")[0] or host


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def protect(app: Flask, guard: Guard) -> None:
    app.before_request(guard.check)

    @app.after_request
    def headers(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        if not request.path.startswith("/static/") and not request.path.startswith("/vendor/"):
            response.headers["Cache-Control"] = "no-store"
        return response

    @app.get("/api/session")
    def session() -> Response:
        name = guard.session(request)
        if name is None and guard.needs_token:
            return jsonify(tokenNeeded=True)
        response = jsonify({})
        if name is None:
            name = guard.start_session(response)
        response.set_data(app.json.dumps({"tokenNeeded": False, "csrf": guard.csrf(name)}))
        return response

    @app.post("/login")
    def login() -> Response:
        body = request.get_json(silent=True)
        if not isinstance(body, dict) or not guard.is_token(body.get("token")):
            abort(401, "this is not the token")
        response = jsonify({})
        name = guard.start_session(response)
        response.set_data(app.json.dumps({"tokenNeeded": False, "csrf": guard.csrf(name)}))
        return response
