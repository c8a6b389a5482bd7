"""The login of the fake API, as strict as the guide says."""

from __future__ import annotations

import secrets
from typing import Any, Final

import jwt

from bridge.httpd import Refusal, Request, Response, as_json

CLAIMS: Final = {"exp", "iat", "iss", "sub", "tid", "jti"}
MAX_SECONDS: Final = 1800
CLOCK_SECONDS: Final = 120


class Login:
    """Application tokens in, access tokens out; each application token is taken once."""

    def __init__(self, tenant_id: str, app_id: str, app_secret: str) -> None:
        self.tenant_id = tenant_id
        self.app_id = app_id
        self.app_secret = app_secret
        self.token_seconds = 1800.0
        self.logins = 0
        self._used: set[str] = set()
        self._tokens: dict[str, float] = {}

    def exchange(self, request: Request, now: float) -> Response:
        """Answer `POST /auth/v2/token`. Raises Refusal."""
        if not request.headers.get("content-type", "").startswith("application/json"):
            raise Refusal(415, "Unsupported Media Type")
        body = request.json()
        if not isinstance(body, dict) or set(body) != {"auth_token"}:
            raise Refusal(400, "Bad Request")
        claims = self._claims(body["auth_token"])
        self._judge(claims, now)
        self._used.add(claims["jti"])
        self.logins += 1
        return as_json({"access_token": self._issue(now)})

    def check(self, request: Request, now: float) -> None:
        """Raise Refusal (401) unless the request carries a living access token."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind != "Bearer" or self._tokens.get(token, 0.0) <= now:
            raise Refusal(401, "Unauthorized")

    def revoke(self) -> None:
        """Every access token ends now."""
        self._tokens.clear()

    def _claims(self, token: Any) -> dict[str, Any]:
        try:
            return jwt.decode(
                token,
                self.app_secret,
                algorithms=["HS256"],
                options={"verify_exp": False, "verify_iat": False, "verify_sub": False},
            )
        except jwt.InvalidTokenError:
            raise Refusal(401, "Invalid JWT payload") from None

    def _judge(self, claims: dict[str, Any], now: float) -> None:
        whole = all(type(claims.get(name)) is int for name in ("exp", "iat"))
        if set(claims) != CLAIMS or not whole or claims["exp"] - claims["iat"] > MAX_SECONDS:
            raise Refusal(400, "Bad Request")
        known = ("http://cylance.com", self.app_id, self.tenant_id)
        if (claims["iss"], claims["sub"], claims["tid"]) != known or claims["jti"] in self._used:
            raise Refusal(401, "Invalid JWT payload")
        if claims["exp"] <= now or claims["iat"] > now + CLOCK_SECONDS:
            raise Refusal(401, "Invalid JWT payload")

    def _issue(self, now: float) -> str:
        lasts = {"iat": int(now), "exp": int(now + self.token_seconds)}
        token = jwt.encode(lasts | {"jti": secrets.token_hex(8)}, secrets.token_hex(32), "HS256")
        self._tokens[token] = now + self.token_seconds
        return token
