"""Everything that can go wrong on purpose, and its one mapping to HTTP.

ModerationError
├── SettingsError            the operator's mistake: refuses to start
├── BadInput         422     a value is wrong; names the field
│   ├── BadModel             what is kept of a model cannot be read; says which version
│   ├── BadJson      400
│   └── TooLarge     413
├── NotSignedIn      401     who are you?
├── Forbidden        403     not you
├── NotFound         404
├── StaleView        409     what you saw is not what is there any more
├── Unmatched        412     what you saw is not what is there any more, says If-Match
├── NoMatch          428     say what you saw: If-Match is missing
├── TooMany          429     ask again later; says when
└── Missing          503     a part of the service is not there; says how to mend it
"""

from http import HTTPStatus


class ModerationError(Exception):
    """Base of all errors of the service. ``message`` is one sentence that may be shown to whoever asked."""

    status: HTTPStatus = HTTPStatus.INTERNAL_SERVER_ERROR
    code = "error"

    def __init__(self, message: str, *, code: str | None = None, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.field = field

    def as_problem(self) -> dict[str, object]:
        """The error as problem details (RFC 9457), with our members ``code`` and ``field``."""
        return {
            "type": "about:blank",
            "title": self.status.phrase,
            "status": self.status.value,
            "detail": self.message,
            "code": self.code,
            "field": self.field,
        }


class SettingsError(ModerationError):
    """A setting is missing or wrong."""

    code = "settings"


class BadInput(ModerationError):
    """Something that was sent is wrong."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "invalid"


class BadJson(BadInput):
    """The body is not JSON at all."""

    status = HTTPStatus.BAD_REQUEST
    code = "invalid_json"


class BadModel(BadInput):
    """A model of a site that is kept is damaged, or was made by another version of the service; says which one."""

    code = "bad_model"

    def __init__(self, message: str, *, version: int) -> None:
        super().__init__(message)
        self.version = version


class TooLarge(BadInput):
    """The body is larger than the service reads."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "too_large"


class NotSignedIn(ModerationError):
    """The request proves no identity, or a wrong one."""

    status = HTTPStatus.UNAUTHORIZED
    code = "unauthorized"


class Forbidden(ModerationError):
    """The identity is known and may not do this."""

    status = HTTPStatus.FORBIDDEN
    code = "forbidden"


class NotFound(ModerationError):
    """There is no such thing, or not for you."""

    status = HTTPStatus.NOT_FOUND
    code = "not_found"


class StaleView(ModerationError):
    """The comment changed, or was decided, since it was looked at."""

    status = HTTPStatus.CONFLICT
    code = "stale"


class Unmatched(ModerationError):
    """What is to be changed is not what was seen: its ETag is another one by now."""

    status = HTTPStatus.PRECONDITION_FAILED
    code = "changed"


class NoMatch(ModerationError):
    """A change came without the ETag of what was seen."""

    status = HTTPStatus.PRECONDITION_REQUIRED
    code = "if_match"


class TooMany(ModerationError):
    """Somebody asks more often than is allowed; ``wait`` is how many seconds they should wait."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "too_many"

    def __init__(self, message: str, *, wait: int, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.wait = wait


class Missing(ModerationError):
    """A part of the service cannot be reached; the message names the remedy."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "missing"
