"""Settings: everything that can be set, with its type, default and help text; read once, refused when it is nonsense.

Each setting is the environment variable ``MODERATION_<NAME>``. A secret may also lie in a file named like the variable
(in small letters) inside the folder ``MODERATION_SECRETS_DIR``, as container platforms mount them. An empty variable or
file counts as none: that is how Compose files say that nothing is set.
"""

import os
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from moderation.errors import SettingsError
from moderation.judge.case import ToneSource
from moderation.notices.links import Links

BROKERS = tuple(
    f"{scheme}://" for scheme in ("amqp", "amqps", "pyamqp", "redis", "rediss", "redis+socket", "sentinel", "folder")
)
"""What addresses of the brokers for which this service is made begin with."""

LEAST = {"secret_key": 32, "metrics_token": 16}
"""Characters that a secret has at least."""

PositiveSeconds = Annotated[float, Field(gt=0)]


class Settings(BaseSettings):
    """All settings of the service."""

    model_config = SettingsConfigDict(env_prefix="MODERATION_", env_ignore_empty=True, extra="ignore", frozen=True)

    home: Path = Field(Path("var"), description="Folder for everything the embedded service writes.")
    database_url: str = Field("", description="SQLAlchemy URL. Empty: SQLite in the home folder.")
    broker_url: str = Field("", description="Celery broker URL (amqp, redis). Empty: a folder in the home folder.")
    secret_key: SecretStr | None = Field(
        None, description="Signs session cookies; at least 32 characters. `moderation run` makes one."
    )
    public_url: str = Field(
        "http://127.0.0.1:8000",
        pattern=r"^https?://",
        description="Where moderators reach the desk. With https, cookies are sent over https only.",
    )
    trusted_proxies: int = Field(0, ge=0, description="How many reverse proxies in front may set X-Forwarded-*.")
    default_language: Literal["de", "en"] = Field("de", description="Language of the desk before a moderator chooses.")
    time_zone: str = Field("Europe/Berlin", description="Time zone in which the desk shows times.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least severe line logged.")

    max_body_bytes: int = Field(1_000_000, gt=0, description="A larger request is refused with 413.")
    max_comment_characters: int = Field(20_000, gt=0, description="A longer comment is refused with 422.")
    clock_tolerance: PositiveSeconds = Field(300, description="Seconds a webhook's clock may differ from ours.")

    metrics_token: SecretStr | None = Field(
        None,
        description="Bearer token, 16 characters or more, with which Prometheus reads `/metrics`. Empty: nobody may.",
    )
    traces_url: str = Field(
        "",
        pattern=r"^(https?://.*)?$",
        description="Where a collector of OpenTelemetry's takes traces, such as `http://127.0.0.1:4318/v1/traces`.",
    )
    sentry_dsn: SecretStr | None = Field(None, description="Address of the project at Sentry that errors are told to.")
    sign_ins_per_minute: int = Field(
        6,
        ge=1,
        description="Tries to sign in within a minute, for each name and, four times as many, for each address.",
    )
    second_factor: Literal["optional", "required"] = Field(
        "optional", description="Whether a password alone opens the desk to whoever has set up no second factor."
    )
    openid_issuer: str = Field("", description="OpenID Connect provider for sign-ins, such as `https://login.example`.")
    openid_client_id: str = Field("", description="What the provider calls this service.")
    openid_client_secret: SecretStr | None = Field(None, description="This service's secret at the provider.")
    openid_moderators: str = Field(
        "", description="Group of the provider whose members become moderators at their first sign-in. Empty: nobody."
    )
    openid_admins: str = Field(
        "", description="Group of the provider whose members are admins. Empty: who is admin is said at the desk."
    )
    keep_addresses_days: int = Field(90, ge=1, description="Days for which commenters' e-mails and IPs are kept.")
    keep_deleted_days: int = Field(
        365, ge=1, description="Days for which texts of deleted and withdrawn comments are kept."
    )
    keep_deliveries_days: int = Field(90, ge=4, description="Days for which deliveries that are done are kept.")
    smtp_url: SecretStr | None = Field(
        None, description="Mail server, `smtp://user:password@host:587` or `smtps://…`. Empty: no mail is sent."
    )
    mail_from: str = Field("hausordnung@localhost", description="Sender of the mail.")
    appeal_days: int = Field(183, ge=1, description="Days for which a commenter may object; the law wants six months.")

    calls_per_minute: int = Field(
        600,
        ge=1,
        description="Calls a site may make within a minute to the API and the doors for other services' clients.",
    )
    comments_per_address: int = Field(
        120,
        ge=0,
        description="Comments a web process takes within a minute of one reader's address at one site; 0: any number.",
    )
    live_streams: int = Field(
        8,
        ge=0,
        description="Desks that each web process rings when something happened; others ask every five seconds.",
    )
    forms_per_minute: int = Field(
        10, ge=1, description="Comments and looks before sending that one address may send by forms within a minute."
    )
    warm_judge: bool = Field(
        False, description="Whether web processes load the judge at their start, not with the first call that needs it."
    )

    tone: ToneSource = Field(
        ToneSource.EMBEDDED,
        description="Whose word on tone counts in the workers: `embedded`, `detoxify`, or `blend` of both.",
    )
    tone_model: str = Field(
        "multilingual", description="Which model of Detoxify's: a released one by name, or the path of a checkpoint."
    )
    tone_retry: PositiveSeconds = Field(900, description="Seconds until a model that could not be had is tried again.")
    models_mirror: str = Field(
        "",
        pattern=r"^(https?://.*)?$",
        description="Address of a folder that has the files of Detoxify's models. Empty: their makers'.",
    )
    models_dir: Path | None = Field(
        None, description="Folder of Detoxify's models. Empty: `models` in the home folder."
    )
    judge_threads: int = Field(1, ge=1, description="Threads of the numeric library in a scoring worker.")
    score_batch: int = Field(64, ge=1, le=512, description="Comments that are claimed and judged together.")
    score_attempts: int = Field(3, ge=1, description="Tries before a comment goes to people as not scored.")
    score_lease: PositiveSeconds = Field(30, description="Seconds a worker may take for a batch of comments.")
    sweep_interval: PositiveSeconds = Field(15, description="Seconds between rings of every bell.")

    delivery_timeout: PositiveSeconds = Field(15, description="Seconds a site has to answer a delivery.")
    delivery_days: float = Field(3, gt=0, description="Days for which a delivery is tried again.")

    @model_validator(mode="before")
    @classmethod
    def _derive_urls(cls, values: dict[str, object]) -> dict[str, object]:
        values = {name: value for name, value in values.items() if value != ""}  # those of empty files
        home = Path(str(values.get("home") or "var"))
        if not values.get("database_url"):
            values["database_url"] = f"sqlite:///{home.absolute() / 'moderation.sqlite3'}"
        if not values.get("broker_url"):
            values["broker_url"] = f"folder://{home.absolute() / 'bell'}"
        return values

    @field_validator("secret_key", "metrics_token")
    @classmethod
    def _check_length(cls, secret: SecretStr | None, about: ValidationInfo) -> SecretStr | None:
        least = LEAST[about.field_name or ""]
        if secret is not None and len(secret) < least:
            raise ValueError(f"has {len(secret)} characters and needs at least {least}")
        return secret

    @field_validator("time_zone")
    @classmethod
    def _check_time_zone(cls, name: str) -> str:
        if not is_time_zone(name):
            raise ValueError(f"this machine knows no time zone {name!r}; write it as Europe/Berlin")
        return name

    @model_validator(mode="after")
    def _check_database(self) -> Self:
        if not self.database_url.startswith(("sqlite:///", "postgresql+psycopg://", "postgresql://")):
            raise ValueError("MODERATION_DATABASE_URL must begin with sqlite:/// or postgresql://")
        return self

    @model_validator(mode="after")
    def _check_addresses(self) -> Self:
        """What cannot be read is never quoted: half of a password may be taken for a port."""
        _check_port("MODERATION_DATABASE_URL", self.database_url)
        for broker in self.broker_url.split(";"):
            if not broker.startswith(BROKERS):
                raise ValueError("MODERATION_BROKER_URL must begin with amqp:// or redis://")
            _check_port("MODERATION_BROKER_URL", broker)
        if self.smtp_url is not None:
            _check_mail_server(self.smtp_url.get_secret_value())
        return self

    @property
    def embedded_broker(self) -> Path | None:
        """The folder that serves as broker, or None when a real one is set."""
        scheme, _, path = self.broker_url.partition("://")
        return Path(path) if scheme == "folder" else None

    @property
    def models_folder(self) -> Path:
        """Where Detoxify's models lie."""
        return self.models_dir or self.home / "models"

    @property
    def secure_cookies(self) -> bool:
        """Whether cookies may travel over https only."""
        return self.public_url.startswith("https://")

    @property
    def links(self) -> Links:
        """What makes and reads the links that readers get."""
        return Links(self.public_url, self.require_secret_key(), self.appeal_days)

    def require_secret_key(self) -> str:
        """Return the secret key; SettingsError that says how to make one where there is none."""
        if self.secret_key is None:
            raise SettingsError(
                "MODERATION_SECRET_KEY is not set. Make one with "
                "`python -c 'import secrets; print(secrets.token_urlsafe(48))'`, or start with `moderation run`, "
                "which keeps one in its home folder."
            )
        return self.secret_key.get_secret_value()


def _check_port(name: str, url: str) -> None:
    try:
        _ = urlsplit(url).port
    except ValueError:
        raise ValueError(
            f"{name} cannot be read: its port is no number. In passwords write / as %2F, @ as %40, : as %3A, # as %23."
        ) from None


def _check_mail_server(url: str) -> None:
    _check_port("MODERATION_SMTP_URL", url)
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise ValueError("MODERATION_SMTP_URL must look like smtp://user:password@host:587 or smtps://…")


def is_time_zone(name: str) -> bool:
    """Whether this machine knows a time zone by that name."""
    try:
        ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        return False
    return True


def load_settings() -> Settings:
    """Read the settings from the environment; SettingsError with one line for each that is wrong."""
    try:
        return Settings(_secrets_dir=os.environ.get("MODERATION_SECRETS_DIR"))  # type: ignore[call-arg]
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            name = "MODERATION_" + "_".join(str(part) for part in problem["loc"]).upper() if problem["loc"] else ""
            lines.append(f"{name}: {problem['msg'].removeprefix('Value error, ')}".lstrip(": "))
        raise SettingsError("Settings are wrong:\n  " + "\n  ".join(lines)) from None
