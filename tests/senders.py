"""How sites send: signed webhooks, made with the stock library."""

import itertools
import json
from datetime import UTC, datetime
from typing import Any

from flask.testing import FlaskClient
from standardwebhooks.webhooks import Webhook
from werkzeug.test import TestResponse

ARTICLE = {
    "id": "bruecke",
    "url": "https://zeitung.example/bruecke",
    "title": "Die alte Hafenbrücke wird ein Jahr lang gesperrt",
    "lead": "Die Stadt lässt die Pfeiler erneuern. Autos müssen außen herum fahren.",
    "body": (
        "Von März an ist die alte Hafenbrücke für ein Jahr gesperrt. Die Pfeiler aus dem Jahr 1928 tragen die Last der "
        "Lastwagen nicht mehr, wie ein Gutachten ergab.\n\nFußgänger und Radfahrer sollen eine Behelfsbrücke bekommen. "
        "Die Umleitung für Autos führt über den Nordring und kostet etwa zwölf Minuten. Die Bauarbeiten kosten "
        "nach Angaben der Bauverwaltung 18 Millionen Euro, die Hälfte davon zahlt das Land."
    ),
    "authors": ["mab"],
    "language": "de",
}

_numbers = itertools.count(1)


class Paper:
    """A site that sends webhooks through a test client."""

    def __init__(self, client: FlaskClient, slug: str, secret: str) -> None:
        self.client = client
        self.slug = slug
        self.secret = secret

    def send(self, kind: str, data: Any, **envelope: Any) -> TestResponse:
        """Send an event; ``timestamp`` and ``webhook_id`` may be given."""
        webhook_id = envelope.pop("webhook_id", None)
        return self.post(json.dumps({"type": kind, "data": data, **envelope}), webhook_id=webhook_id)

    def post(self, body: str | bytes, *, webhook_id: str | None = None, at: datetime | None = None) -> TestResponse:
        """Send any body, signed as it should be."""
        text = body if isinstance(body, str) else body.decode("latin-1")
        raw = body.encode() if isinstance(body, str) else body
        headers = signed(self.secret, text, webhook_id=webhook_id, at=at)
        return self.client.post(f"/webhooks/{self.slug}/comments", data=raw, headers=headers)


def signed(secret: str, body: str, *, webhook_id: str | None = None, at: datetime | None = None) -> dict[str, str]:
    """Return the three headers of a signed webhook."""
    webhook_id = webhook_id or f"msg_test_{next(_numbers)}"
    moment = at or datetime.now(UTC)
    return {
        "content-type": "application/json",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign(webhook_id, moment, body),
    }


def comment(**changes: Any) -> dict[str, Any]:
    """The data of a comment, as a site sends it."""
    return {
        "id": "c1",
        "text": "Zwölf Minuten Umweg über den Nordring, das schaffen wir. Hauptsache, die Brücke hält danach.",
        "commenter": {"name": "Radlerin", "email": "radlerin@example.org", "ip": "192.0.2.7"},
        "submitted_at": datetime.now(UTC).isoformat(),
        "article": ARTICLE,
        **changes,
    }
