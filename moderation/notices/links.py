"""Links that readers get: signed, good for a time, and only for the one thing they name."""

from dataclasses import dataclass
from typing import Any

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from moderation.errors import NotFound

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Links:
    """Makes and reads links under ``public_url``; each kind has a signature of its own."""

    public_url: str
    secret_key: str
    days: int

    def statement(self, decision_id: int) -> str:
        """Return the address of a decision's statement of reasons, where one can object, too."""
        return f"{self.public_url.rstrip('/')}/reader/statements/{self.sign('statement', decision_id)}"

    def notice(self, notice_id: int) -> str:
        """Return the address where somebody sees what became of their notice."""
        return f"{self.public_url.rstrip('/')}/reader/notices/{self.sign('notice', notice_id)}"

    def shift(self, link_id: int) -> str:
        """Return the address where a moderator sees once what waits at the beginning of their shift."""
        return f"{self.public_url.rstrip('/')}/shift/{self.sign('shift', link_id)}"

    def sign(self, kind: str, value: Any) -> str:
        """Return a token for a value of a kind."""
        return str(self._serializer(kind).dumps(value))

    def read(self, kind: str, token: str) -> Any:
        """Return what a token holds; NotFound where it is of another kind, damaged or too old."""
        try:
            return self._serializer(kind).loads(token, max_age=self.days * _DAY)
        except SignatureExpired:
            raise NotFound("This link is too old.", code="link_expired") from None
        except BadSignature:
            raise NotFound("This link is not complete.", code="link_broken") from None

    def _serializer(self, kind: str) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self.secret_key, salt=f"reader {kind}")
