"""What the audit log says was done, and to what, in words."""

from collections.abc import Mapping

from moderation.wording.say import gettext


def deed(name: str) -> str:
    """Say what was done; a name that is not known, of an older version perhaps, as it was written."""
    return _of_comments().get(name) or _of_people().get(name) or _of_sites().get(name) or name


def _of_comments() -> dict[str, str]:
    return {
        "approve": gettext("approved"),
        "delete": gettext("deleted"),
        "undo": gettext("taken back"),
        "batch_approve": gettext("approved together"),
        "batch_delete": gettext("deleted together"),
        "batch_undo": gettext("taken back together"),
        "article_closed": gettext("closed for comments"),
        "article_opened": gettext("opened again for comments"),
        "article_undo": gettext("closing or opening taken back"),
        "commenter_erased": gettext("commenter erased"),
        "alarm_noticed": gettext("alarm noticed"),
        "burst_counts": gettext("quick decisions count for learning"),
        "burst_left_out": gettext("quick decisions do not count for learning"),
    }


def _of_people() -> dict[str, str]:
    return {
        "access_reset": gettext("second factors and sign-ins ended"),
        "authenticator_added": gettext("authenticator app added"),
        "authenticator_removed": gettext("authenticator app removed"),
        "recovery_codes_made": gettext("new codes for paper made"),
        "recovery_code_used": gettext("signed in with a code from paper"),
        "openid_joined": gettext("joined with an account of the house"),
        "moderator_made_by_openid": gettext("let in by an account of the house"),
        "passkey_added": gettext("passkey added"),
        "passkey_removed": gettext("passkey removed"),
        "password_changed": gettext("password changed"),
        "password_given": gettext("new password given"),
        "sign_in_ended": gettext("signed out one device"),
        "sign_ins_ended": gettext("signed out all other devices"),
        "sign_in_locked": gettext("sign-in locked after wrong passwords or codes"),
        "moderator_added": gettext("let in"),
        "moderator_changed": gettext("rights changed"),
        "moderator_changed_by_openid": gettext("rights changed by an account of the house"),
        "moderator_confined": gettext("confined to sites"),
        "moderator_released": gettext("let into the whole house"),
    }


def _of_sites() -> dict[str, str]:
    return {
        "site_added": gettext("site added"),
        "site_changed": gettext("settings changed"),
        "secret_added": gettext("signing secret made"),
        "secrets_ended": gettext("old signing secrets ended"),
        "key_added": gettext("token or key made"),
        "key_revoked": gettext("token or key revoked"),
        "token_created": gettext("token made"),
        "token_revoked": gettext("token revoked"),
        "rules_saved": gettext("house rules saved"),
        "alarms_set": gettext("alarms set"),
        "channel_added": gettext("told somewhere else, too"),
        "channel_removed": gettext("told there no more"),
        "automation_on": gettext("rule decides by itself"),
        "automation_off": gettext("rule no longer decides by itself"),
        "model_switched": gettext("learned model switched"),
        "learning_resumed": gettext("learning resumed"),
        "shadow_on": gettext("model runs silently beside"),
        "shadow_off": gettext("model no longer runs silently beside"),
        "relevance_adapted": gettext("relevance adapted to the site"),
        "relevance_not_adapted": gettext("relevance left as it was"),
    }


def subject(said: str, moderators: Mapping[int, str]) -> str:
    """Say what it was done to, from ``noun name``; a moderator by name, where the number is among ``moderators``."""
    noun, _, name = said.partition(" ")
    if noun == "moderator" and name.isdigit():
        name = moderators.get(int(name), name)
    known = {
        "comment": gettext("Comment %(name)s", name=name),
        "article": gettext("Article %(name)s", name=name),
        "batch": gettext("Batch %(name)s", name=name),
        "moderator": gettext("Moderator %(name)s", name=name),
        "site": gettext("Site %(name)s", name=name),
        "rule": gettext("Rule %(name)s", name=name),
        "alarm": gettext("Alarm %(name)s", name=name),
        "channel": gettext("Channel %(name)s", name=name),
        "burst": gettext("Quick decisions %(name)s", name=name),
    }
    return known.get(noun, said)
