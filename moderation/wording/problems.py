"""What went wrong, in the language of whoever is at the page: each case we know, in its own words."""

from moderation.errors import BadModel, ModerationError
from moderation.wording.filters import filter_name
from moderation.wording.say import gettext, language


def problem(error: ModerationError) -> str:
    """Say what went wrong, where we know the case; else name what was wrong, and in English all that was said."""
    known = _with_decisions() | _with_addresses(error.field or "") | _with_forms() | _with_access()
    if isinstance(error, BadModel):
        return _with_model(error.version)
    if error.code in known:
        return known[error.code]
    if error.code == "invalid" and error.field and language() != "en":
        return gettext("What was sent for “%(field)s” does not fit.", field=error.field)
    return error.message


def _with_decisions() -> dict[str, str]:
    return {
        "text_changed": gettext("The reader changed the text since you looked at it. Please read it again."),
        "withdrawn": gettext("The site took this comment back in the meantime. There is nothing left to decide."),
        "decided": gettext("This was decided in the meantime."),
        "reopened": gettext("Somebody put this comment back in the queue in the meantime."),
        "overtaken": gettext("Somebody else did something about this in the meantime; look at it again."),
        "too_late": gettext("It is too late to undo this: the site has been told. You can decide anew instead."),
        "nothing_chosen": gettext("Nothing of that is waiting any more, so there is nothing to decide."),
        "unknown_rule": gettext("This house rule is not there any more; choose another one."),
        "answered": gettext("Somebody answered this in the meantime."),
        "own_decision": gettext("Whoever made the decision cannot judge the objection to it."),
        "not_yours": gettext("Only who did this, or an admin, may take it back."),
        "note_too_long": gettext("This note is too long; 500 characters are enough."),
    }


def _with_addresses(name: str) -> dict[str, str]:
    return {
        "unknown_filter": gettext(
            "The filter “%(name)s” is not understood like this. Scores go from 0 to 1, ages are in minutes.",
            name=filter_name(name),
        ),
        "no_such_order": gettext("There is no such order; choose one of those above the queue."),
        "no_such_place": gettext("This place in the list is not there; begin at the top."),
        "unknown_site": gettext("There is no such site here."),
        "wrong_date": gettext("Dates are written like 2026-11-25, and the first comes before the last."),
        "nul": gettext("The address holds a character that no text has."),
        "not_found": gettext("There is no such page. Perhaps the address was cut off?"),
        "database": gettext("The database does not answer at the moment. Nothing was changed; please try again."),
    }


def _with_forms() -> dict[str, str]:
    return {
        "closed": gettext("This article is closed for comments. What you wrote was not sent."),
        "rules_changed": gettext("Somebody changed the house rules since you looked at them; look at them again."),
        "unknown_version": gettext("This version of the house rules is not there."),
        "no_limits": gettext("State first within which limits the rule may decide by itself."),
        "ruled": gettext("Somebody ruled otherwise on these decisions in the meantime; look at it again."),
        "no_model": gettext("No model of your own is in force here, so there is nothing to go back to."),
        "modes": gettext("A mode changes this rule, or names one that there is not; change the mode first."),
        "missing": gettext("Something is missing here."),
        "work": gettext("What keeps programs out did not work in time. Please send it once more."),
        "sent_already": gettext("This was sent already."),
        "too_many": gettext("That was very quick. Please wait a minute."),
        "empty": gettext("A reason is missing; please write one."),
        "too_long": gettext("That is too long."),
        "name_length": gettext("A name has between 1 and 80 characters."),
        "name_taken": gettext("Somebody has this name already."),
        "oneself": gettext("Somebody else has to do this: an admin cannot take the rights from themselves."),
    }


def _with_model(version: int) -> str:
    return gettext(
        "Version %(version)s of the model is damaged or was made by another version of this service. It was not put in "
        "force, and nothing was changed. If the one in force does harm, this does without any, where the service runs: "
        "%(command)s",
        version=version,
        command="moderation learn rollback --general",
    )


def _with_access() -> dict[str, str]:
    return {
        "link_used": gettext("This link is too old or was opened before. Sign in to see what waits."),
        "link_expired": gettext("This link is too old."),
        "link_broken": gettext("This link is not complete; perhaps it was cut off."),
        "forbidden": gettext("Only an admin may do this."),
        "wrong_password": gettext("This is not your password."),
        "wrong_code": gettext("The code does not fit. Is the clock of your phone right?"),
        "too_short": gettext("This is too short for a password."),
        "confined": gettext("They are confined to some sites; open the whole house to them first."),
    }
