"""What Coral sends, byte for byte, and the newspaper whose comments it holds."""

import hashlib
import hmac
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

SECRET = "empsec_5f2b8c1d9e7a4036"
FITTING = "Die Pfeiler der Brücke sind seit Jahren morsch, die Sperrung für Lastwagen war überfällig."
RUDE = "<div>Du Vollidiot, die Brücke ist doch längst bezahlt &amp; fertig.</div>"

PAGE = """<!doctype html><html lang="de"><head><title>Die alte Hafenbrücke wird gesperrt</title>
<meta name="description" content="Autos müssen außen herum fahren."><meta name="author" content="mab">
<meta property="og:title" content="Die alte Hafenbrücke wird gesperrt"></head><body>
<nav>Start Sport Wetter</nav><article>
<h1>Die alte Hafenbrücke wird gesperrt</h1>
<p>Von März an ist die alte Hafenbrücke für ein Jahr gesperrt. Die Pfeiler aus dem Jahr 1928 tragen die Last der
Lastwagen nicht mehr, wie ein Gutachten ergab.</p><p>Fußgänger und Radfahrer sollen eine Behelfsbrücke bekommen. Die
Umleitung für Autos führt über den Nordring und kostet etwa zwölf Minuten.</p></article></body></html>"""


class Pages:
    """A newspaper's web server."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        pages = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                pages.asked.append(self.headers["user-agent"])
                if self.path == "/moved":
                    self.send_response(302)
                    self.send_header("location", "/bruecke")
                    self.end_headers()
                    return
                self.send_response(200)
                self.send_header("content-type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(PAGE.encode())

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


def asking(url: str, body: str = FITTING, author: str = "a1") -> dict[str, Any]:
    return {
        "action": "NEW",
        "comment": {"body": body, "parentID": None},
        "author": {"id": author, "role": "COMMENTER"},
        "story": {"id": "s1", "url": url},
        "site": {"id": "x"},
        "tenantID": "t",
        "tenantDomain": "coral.example",
    }


def post_as_coral(app: Flask, path: str, data: Any, *, secrets: tuple[str, ...]) -> TestResponse:
    """Post pretty JSON, signed with each of the secrets."""
    body = json.dumps(data, indent=2, ensure_ascii=False).encode()
    signatures = [f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}" for secret in secrets]
    headers = {"X-Coral-Signature": ",".join(signatures), "User-Agent": "Coral Moderation/9.11.8"}
    return app.test_client().post(path, data=body, content_type="application/json", headers=headers)
