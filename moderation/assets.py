"""Scripts, styles and icons at addresses that name their version, so that browsers keep them and still see a new one.

``/static/…`` stays, for pages of sites that load a script from there.
"""

import hashlib
from pathlib import Path
from typing import Any

from flask import Flask, Response

KEPT_FOR = 365 * 24 * 60 * 60


def serve(app: Flask) -> None:
    """Let ``url_for("static", …)`` name the version of all files together, because scripts load each other."""
    current = _version(Path(str(app.static_folder)))

    def send(filename: str, version: str | None = None) -> Response:
        response = app.send_static_file(filename)
        if version == current:  # another process may be of another version: what it names is not kept here
            response.cache_control.no_cache = None
            response.cache_control.max_age = KEPT_FOR
            response.cache_control.immutable = True
        return response

    def name_version(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static":
            values.setdefault("version", current)

    app.view_functions["static"] = send
    app.add_url_rule(f"{app.static_url_path}/v-<version>/<path:filename>", endpoint="static")
    app.url_defaults(name_version)


def _version(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            digest.update(str(file.relative_to(folder)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]
