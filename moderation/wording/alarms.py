"""Alarms in words: what is not as it should be, in one sentence, and what to do."""

from babel.numbers import format_percent
from flask_babel import get_locale

from moderation.models import Alarm, Automation
from moderation.wording.reasons import pick
from moderation.wording.say import gettext


def sentence(alarm: Alarm) -> str:
    """Say what an alarm tells of."""
    detail = alarm.detail
    title = pick(detail.get("title") or {}, alarm.site.language)
    if detail.get("why") == "rule_changed":
        return gettext("“%(rule)s” was changed and no longer decides by itself.", rule=title)
    return gettext(
        "“%(rule)s” no longer decides by itself: %(promise)s were promised. Of %(checked)s checks people agreed with "
        "%(right)s; of %(decided)s decisions %(kept)s were kept.",
        rule=title,
        promise=_percent(detail["promise"]),
        checked=detail["checked"],
        right=detail["right"],
        decided=detail["decided"],
        kept=detail["kept"],
    )


def why_off(automation: Automation) -> str:
    """Say why a rule no longer decides by itself."""
    return {
        "moderator": gettext("Somebody switched it off."),
        "rule_changed": gettext("It was switched off because the rule was changed."),
        "checks": gettext("It was switched off because people agreed with too few of its checks."),
        "reversals": gettext("It was switched off because people took back too many of its decisions."),
    }.get(automation.why_off or "", "")


def _percent(value: float) -> str:
    return str(format_percent(value, locale=get_locale(), decimal_quantization=False))
