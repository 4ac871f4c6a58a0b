"""The embedded broker: kombu's filesystem transport, made safe for one bell rung by one process and heard by another.

As it comes, that transport writes a message into a file that is already visible, so that a quick reader finds it empty
and its worker dies; and its table of queues is created in the same way. Here a message appears whole or not at all, and
there is no table: every bell has a queue of its own name.
"""

import json
import os
from pathlib import Path
from time import monotonic_ns
from typing import Any
from uuid import uuid4

from kombu.transport import TRANSPORT_ALIASES, filesystem


class Channel(filesystem.Channel):
    """Puts a message by renaming a file that is complete."""

    def get_table(self, exchange: str) -> list[Any]:
        """Return the one queue that is bound to an exchange: that of the same name."""
        return [filesystem.exchange_queue_t(exchange, "", exchange)]

    def _queue_bind(self, *_: object) -> None:
        """Nothing to note: see ``get_table``."""

    def _put(self, queue: str, message: object, **_: object) -> None:  # type: ignore[override]
        name = f"{monotonic_ns()}_{uuid4()}.{queue}.msg"
        unfinished = Path(self.data_folder_out) / f"{name}.unfinished"
        unfinished.write_text(json.dumps(message), encoding="utf-8")
        os.replace(unfinished, unfinished.with_suffix(""))


class Transport(filesystem.Transport):
    """The transport of ``folder://``."""

    Channel = Channel


TRANSPORT_ALIASES["folder"] = "moderation.folder:Transport"
