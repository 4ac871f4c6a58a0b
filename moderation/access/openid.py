"""Sign-in at a newsroom's own provider: OpenID Connect Core 1.0, authorization code with PKCE."""

import secrets
from collections.abc import Mapping
from typing import Any

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import OAuth2Client
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from moderation import audit
from moderation.access import passwords
from moderation.config import Settings
from moderation.db import insert_once
from moderation.errors import BadInput, Forbidden, Missing
from moderation.models import Moderator, Role

TIMEOUT = 10
"""Seconds the provider has to answer; somebody waits."""

ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
"""How an identity may be signed. None of them works with a secret that we share, or without one."""


class Provider:
    """The provider that the settings name. Missing where it cannot be reached."""

    def __init__(self, settings: Settings, back: str) -> None:
        self._issuer = settings.openid_issuer.rstrip("/")
        self._client_id = settings.openid_client_id
        self._secret = settings.openid_client_secret and settings.openid_client_secret.get_secret_value()
        self._back = back

    def ask(self) -> tuple[str, dict[str, str]]:
        """Return where the browser goes, and what must be kept until it comes back."""
        kept = {"nonce": secrets.token_urlsafe(24), "verifier": secrets.token_urlsafe(48)}
        with self._client() as client:
            address, kept["state"] = client.create_authorization_url(
                self._described()["authorization_endpoint"], nonce=kept["nonce"], code_verifier=kept["verifier"]
            )
        return address, kept

    def identify(self, answer: Mapping[str, str], kept: Mapping[str, str]) -> dict[str, Any]:
        """Return the claims about who came back; BadInput where the provider's answer does not hold."""
        if "error" in answer:
            raise _refused(answer.get("error_description") or answer["error"])
        if not kept or not secrets.compare_digest(answer.get("state", "").encode(), kept["state"].encode()):
            raise _refused("it is not the answer to a sign-in that was begun in this browser")
        described = self._described()
        try:
            with self._client() as client:
                token = client.fetch_token(
                    described["token_endpoint"], code=answer.get("code", ""), code_verifier=kept["verifier"]
                )
                keys = KeySet.import_key_set(client.request("GET", described["jwks_uri"], withhold_token=True).json())
            claims = jwt.decode(token["id_token"], keys, algorithms=ALGORITHMS).claims
            jwt.JWTClaimsRegistry(
                leeway=60,
                iss={"essential": True, "value": described["issuer"]},
                aud={"essential": True, "value": self._client_id},
                nonce={"essential": True, "value": kept["nonce"]},
                sub={"essential": True},
                exp={"essential": True},
            ).validate(claims)
        except httpx.HTTPError as error:
            raise _away(error) from None
        except (AuthlibBaseError, JoseError, KeyError, ValueError) as error:
            raise _refused(str(error)) from None
        return claims

    def _client(self) -> OAuth2Client:
        return OAuth2Client(
            self._client_id,
            self._secret,
            scope="openid profile email",
            redirect_uri=self._back,
            code_challenge_method="S256",
            timeout=TIMEOUT,
        )

    def _described(self) -> dict[str, str]:
        try:
            answer = httpx.get(f"{self._issuer}/.well-known/openid-configuration", timeout=TIMEOUT).raise_for_status()
            described: dict[str, str] = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise _away(error) from None
        if described.get("issuer", "").rstrip("/") != self._issuer:
            raise _away(f"it calls itself {described.get('issuer')!r}")
        return described


def welcome(session: Session, claims: Mapping[str, Any], settings: Settings) -> Moderator:
    """Return the moderator whom a provider named, made or brought up to date by the groups they are in.

    Forbidden for whoever is in none of the groups, was shut out, or bears the name of somebody who is here already: who
    has two accounts joins them when signed in.
    """
    role = _role(claims, settings)
    found = _find(session, claims)
    if found is None and role is not None:
        found = _make(session, claims, role)
    if found is None or found.disabled_at or (role is None and settings.openid_moderators):
        raise Forbidden(
            "Your provider knows you, but you are not a moderator here. Ask an admin.", code="openid_stranger"
        )
    # Which sites somebody may see is not the provider's to say; nor who leads, where no group of its says so.
    may_change = not found.confined and (settings.openid_admins or found.role is not Role.ADMIN)
    if may_change and role is not None and role is not found.role:
        found.role = role
        subject = f"moderator {found.id}"
        audit.note(session, "moderator_changed_by_openid", moderator=None, subject=subject, role=str(role))
    return found


def join(session: Session, moderator: Moderator, claims: Mapping[str, Any]) -> None:
    """Let a moderator sign in by the provider, too; Forbidden where somebody else does already."""
    try:
        with session.begin_nested():
            moderator.openid = identity(claims)
    except IntegrityError:
        raise Forbidden("Somebody else signs in with this account of the provider.") from None
    audit.note(session, "openid_joined", moderator=moderator, subject=f"moderator {moderator.id}")


def identity(claims: Mapping[str, Any]) -> str:
    """Return who somebody is for ever: names and addresses change hands, issuer and subject do not."""
    return f"{claims['iss']} {claims['sub']}"


def _find(session: Session, claims: Mapping[str, Any]) -> Moderator | None:
    return session.scalars(select(Moderator).where(Moderator.openid == identity(claims))).one_or_none()


def _make(session: Session, claims: Mapping[str, Any], role: Role) -> Moderator:
    """Let somebody new in; who does so twice at the same moment is one moderator, and waits for the other half here."""
    name = str(claims.get("preferred_username") or claims.get("name") or claims.get("email") or claims["sub"])[:80]
    kept = {"name": name, "role": role, "openid": identity(claims), "password_hash": passwords.NONE}
    made = insert_once(session, Moderator, **kept)
    if made is not None:
        audit.note(session, "moderator_made_by_openid", moderator=made, subject=f"moderator {made.id}", role=str(role))
    found = made or _find(session, claims)
    if found is None:
        raise Forbidden(
            f"There is a moderator {name!r} already. If it is you, sign in and join the two accounts.",
            code="openid_name_taken",
        )
    return found


def _role(claims: Mapping[str, Any], settings: Settings) -> Role | None:
    groups = claims.get("groups") or []
    groups = groups if isinstance(groups, list) else [groups]
    if settings.openid_admins and settings.openid_admins in groups:
        return Role.ADMIN
    if settings.openid_moderators and settings.openid_moderators in groups:
        return Role.MODERATOR
    return None


def _refused(why: str) -> BadInput:
    return BadInput(f"The sign-in at your provider did not work: {why}", code="openid_refused", field="openid")


def _away(why: object) -> Missing:
    return Missing(f"The provider (MODERATION_OPENID_ISSUER) cannot be used: {why}", code="openid_away")
