"""What holds for every answer of the server: security headers, and a limit on what may be sent to it."""

from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from classifier.review.web.site import Refused

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
NOT_KEPT = "no-store"
_KEPT = "public, max-age=31536000, immutable"
_FORM_BYTES = 1_000_000


class Guards:
    """ASGI middleware that adds `HEADERS` and refuses bodies beyond a limit with status 413.

    Parameters
    ----------
    app : ASGIApp
    limits : mapping of str to int
        Bytes by the beginning of the path; a form's limit elsewhere.
    """

    def __init__(self, app: ASGIApp, limits: Mapping[str, int]) -> None:
        self._app, self._limits = app, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        limit = next((limit for start, limit in self._limits.items() if path.startswith(start)), _FORM_BYTES)
        announced = Headers(scope=scope).get("content-length", "")
        received = 0

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit or (announced.isdigit() and int(announced) > limit):
                raise Refused(413, "too_large")
            return message

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                kept = path.startswith("/static/") and message["status"] == 200
                headers.setdefault("Cache-Control", _KEPT if kept else NOT_KEPT)
            await send(message)

        await self._app(scope, limited, guarded)
