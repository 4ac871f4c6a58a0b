"""Logs: one line an event, ids only. Never the text of a comment, a name, an address or a key."""

import logging
import re
import sys
import traceback
from random import getrandbits

import structlog

from moderation.config import Settings


def configure(settings: Settings) -> None:
    """Make structlog and the standard library write the same lines to standard error."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(settings.log_level)),
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                _quote_nothing,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _where,
                structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"], bool_as_flag=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(logging.getLevelNamesMapping()[settings.log_level], logging.INFO))
    for ours in ("moderation", "worker"):  # below INFO, libraries write down addresses with the keys in them
        logging.getLogger(ours).setLevel(settings.log_level)
    for chatty in ("celery.worker.strategy", "celery.app.trace"):
        logging.getLogger(chatty).setLevel(logging.WARNING)  # two lines for each ring otherwise
    logging.getLogger("httpx").setLevel(logging.WARNING)  # logs whole addresses otherwise


def begin(kind: str, id_: str | None = None, **also: str) -> str:
    """Let all lines of this thread from here on bear the id of a request or task; return it.

    An id that came from outside is taken if it is short and plain, so that nobody writes lines of his own. Ours are no
    secret, and asking the system for a secret would let other threads go first.
    """
    known = id_ if id_ is not None and re.fullmatch(r"[\w.-]{1,64}", id_, re.ASCII) else f"{getrandbits(64):016x}"
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(**{kind: known}, **also)
    return known


def _quote_nothing(_logger: object, _name: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Leave out what others write into their line on an error: Celery quotes its message there, Flask the address."""
    if line.get("exc_info") and not line.get("_from_structlog"):
        line["event"] = line["_record"].msg
    return line


def _where(_logger: object, _name: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Say of an error what it is and where, not its message: a database quotes the row that it refused."""
    given = line.pop("exc_info", None)
    if given is True:
        given = sys.exc_info()
    error = given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        steps = traceback.extract_tb(error.__traceback__)
        steps[:-1] = [step for step in steps[:-1] if "site-packages" not in step.filename]
        line["error"] = " from ".join(type(one).__name__ for one in _chain(error))
        line["at"] = " < ".join(f"{step.filename}:{step.lineno}" for step in reversed(steps[-12:]))
    return line


def _chain(error: BaseException) -> list[BaseException]:
    causes = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None and len(causes) < 5:
        causes.append(cause)
    return causes
