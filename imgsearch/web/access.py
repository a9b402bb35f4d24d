"""Who may use the server: the secrets of one run, and how they are shown."""

from __future__ import annotations

import asyncio
import hmac
import secrets
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Final

WRONG_PASSWORD_SECONDS: Final = 1.0
_BYTES: Final = 32
_WEEK: Final = 7 * 86_400


@dataclass(frozen=True)
class Access:
    """The secrets of one run.

    Attributes:
        port: that the server listens on; cookies of a host are shared by all of its ports.
        password: what a person may show in place of the token, or None.
        token: in the address that is printed, and what programs send.
    """

    port: int
    password: str | None = field(default=None, repr=False)
    token: str = field(default_factory=lambda: secrets.token_urlsafe(_BYTES), repr=False)
    _session: str = field(default_factory=lambda: secrets.token_urlsafe(_BYTES), repr=False)
    _trying: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)

    @property
    def cookie_name(self) -> str:
        """Name of the cookie."""
        return f"imgsearch-{self.port}"

    @property
    def cookie(self) -> str:
        """What `Set-Cookie` has for whoever showed the token or the password."""
        return (
            f"{self.cookie_name}={self._session}; Path=/; Max-Age={_WEEK}; HttpOnly; "
            "SameSite=Strict"
        )

    def knows_token(self, shown: str) -> bool:
        """Whether a text is the token."""
        return _same(shown, self.token)

    def knows_cookie(self, header: str) -> bool:
        """Whether a `Cookie` header has the cookie."""
        try:
            cookies = SimpleCookie(header)
        except CookieError:
            return False
        shown = cookies.get(self.cookie_name)
        return shown is not None and _same(shown.value, self._session)

    async def knows_password(self, shown: str) -> bool:
        """Whether a text is the password; one guess at a time, and a wrong one takes a second."""
        async with self._trying:
            right = self.password is not None and _same(shown, self.password)
            if not right:
                await asyncio.sleep(WRONG_PASSWORD_SECONDS)
            return right


def _same(shown: str, secret: str) -> bool:
    return hmac.compare_digest(shown.encode("utf-8", "replace"), secret.encode("utf-8"))
