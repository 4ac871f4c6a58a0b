"""Settings are read once, and nonsense is refused with the name of the variable."""

from pathlib import Path

import pytest

from moderation import create_app
from moderation.config import Settings, load_settings
from moderation.errors import SettingsError


def test_with_nothing_set_everything_is_embedded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MODERATION_HOME", str(tmp_path))
    settings = load_settings()
    assert settings.database_url == f"sqlite:///{tmp_path}/moderation.sqlite3"
    assert settings.embedded_broker == tmp_path / "bell"


def test_only_settings_differ_for_a_grown_up_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODERATION_DATABASE_URL", "postgresql://moderation@db/moderation")
    monkeypatch.setenv("MODERATION_BROKER_URL", "amqp://broker")
    settings = load_settings()
    assert settings.embedded_broker is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MODERATION_SCORE_BATCH", "0"),
        ("MODERATION_SCORE_LEASE", "soon"),
        ("MODERATION_DATABASE_URL", "mysql://x"),
        ("MODERATION_SECRET_KEY", "short"),
        ("MODERATION_PUBLIC_URL", "desk.example"),
        ("MODERATION_TIME_ZONE", "Mars/Olympus"),
        ("MODERATION_TIME_ZONE", "Europe"),
        ("MODERATION_TIME_ZONE", "../etc/passwd"),
        ("MODERATION_BROKER_URL", "broker:5672"),
        ("MODERATION_BROKER_URL", "redis"),
        ("MODERATION_BROKER_URL", "rabbit://broker"),
        ("MODERATION_BROKER_URL", "amqp://one;http://two"),
        ("MODERATION_SMTP_URL", "mail.example:587"),
        ("MODERATION_SMTP_URL", "http://mail.example"),
        ("MODERATION_SMTP_URL", "smtp://:587"),
    ],
)
def test_nonsense_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MODERATION_DATABASE_URL", "postgresql://desk:gehe/im@db/desk"),
        ("MODERATION_BROKER_URL", "amqp://a:5672//;amqp://desk:gehe/im@b//"),
        ("MODERATION_SMTP_URL", "smtp://desk:gehe#im@mail.example:587"),
    ],
)
def test_a_password_that_breaks_an_address_is_explained_and_not_quoted(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"{name} cannot be read.*%2F") as refused:
        load_settings()
    assert "gehe" not in str(refused.value)


@pytest.mark.parametrize("url", ["amqps://u:p@broker:5671/house", "rediss://cache", "redis+socket:///run/redis.sock"])
def test_brokers_are_reached_in_many_ways(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("MODERATION_BROKER_URL", url)
    assert load_settings().broker_url == url


def test_several_brokers_may_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODERATION_BROKER_URL", "sentinel://one:26379;sentinel://two:26379")
    assert load_settings().broker_url.endswith("two:26379")


def test_a_secret_may_lie_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "moderation_secret_key").write_text("a secret that lies in a file of its own")
    monkeypatch.setenv("MODERATION_SECRETS_DIR", str(tmp_path))
    assert load_settings().require_secret_key() == "a secret that lies in a file of its own"


@pytest.mark.parametrize(("name", "least"), [("secret_key", 32), ("metrics_token", 16)])
def test_a_secret_that_is_too_short_is_counted_and_not_quoted(
    monkeypatch: pytest.MonkeyPatch, name: str, least: int
) -> None:
    monkeypatch.setenv(f"MODERATION_{name.upper()}", "geheim")
    with pytest.raises(SettingsError) as refused:
        load_settings()
    wrong = f"MODERATION_{name.upper()}: has 6 characters and needs at least {least}"
    assert str(refused.value) == f"Settings are wrong:\n  {wrong}"


@pytest.mark.parametrize("name", Settings.model_fields)
def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    unset = load_settings()
    monkeypatch.setenv(f"MODERATION_{name.upper()}", "")
    assert load_settings() == unset


def test_an_empty_file_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "moderation_metrics_token").write_text("\n")
    monkeypatch.setenv("MODERATION_SECRETS_DIR", str(tmp_path))
    assert load_settings().metrics_token is None


def test_the_web_refuses_to_start_without_a_secret(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="MODERATION_SECRET_KEY is not set"):
        create_app(Settings(home=tmp_path))


def test_cookies_are_sent_over_https_only_where_there_is_https() -> None:
    assert Settings(public_url="https://desk.example").secure_cookies
    assert not Settings(public_url="http://127.0.0.1:8000").secure_cookies
