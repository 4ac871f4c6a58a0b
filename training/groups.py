"""Says texts of the corpus again about other groups, with the same labels: a group's mere name is to carry no verdict.

Public sets name some groups mostly in attacks. Weighing those sets until they do not was tried as well: it cost
0.006 of macro-F1 on held-out tweets and gained nothing on harmless sentences beside what the short cases gain.
"""

import random
import re
from dataclasses import replace

from training.corpus import Rated

EXCHANGES = 2
"""How often a text is said again about another group."""

_GERMAN = (
    "Muslime Juden Christen Katholiken Protestanten Hindus Buddhisten Atheisten Türken Polen Russen Ukrainer Syrer "
    "Afghanen Araber Afrikaner Iraner Kurden Chinesen Japaner Vietnamesen Italiener Griechen Franzosen Rumänen "
    "Amerikaner Deutsche Österreicher Israelis Ausländer Migranten Flüchtlinge Asylbewerber Geflüchtete Schwarze "
    "Schwule Lesben Frauen Männer Behinderte Blinde Gehörlose Rentner Studenten Jugendliche Ossis Wessis Sachsen "
    "Bayern Schwaben"
)
_ENGLISH = (
    "Muslims Jews Christians Catholics Protestants Hindus Sikhs Buddhists Atheists Turks Poles Russians Ukrainians "
    "Syrians Afghans Arabs Africans Iranians Mexicans Italians Greeks Americans Germans Israelis Palestinians "
    "Immigrants Refugees Lesbians Women Men Pensioners Students Teenagers Southerners Northerners"
)
NAMES = {"de": _GERMAN.split(), "en": _ENGLISH.split()}
"""Groups by plural nouns that may stand for each other, whatever the sentence is."""


def exchanged(rated: Rated, language: str, chooser: random.Random) -> list[Rated]:
    """Return a text with its groups exchanged for others; nothing when it names none that can be."""
    names = NAMES.get(language, [])
    word = re.compile(rf"\b({'|'.join(names)})\b", re.IGNORECASE)
    mine = {found.lower() for found in word.findall(rated.text)}
    if not mine:
        return []
    others = [name for name in names if name.lower() not in mine]
    return [
        _exchange(rated, word, dict(zip(sorted(mine), chooser.sample(others, len(mine)), strict=True)))
        for _ in range(EXCHANGES)
    ]


def _exchange(rated: Rated, word: re.Pattern[str], by: dict[str, str]) -> Rated:
    def other(found: re.Match[str]) -> str:
        name = by[found.group().lower()]
        return name if found.group()[0].isupper() else name.lower()

    quotes = tuple((kind, word.sub(other, quote)) for kind, quote in rated.quotes)
    return replace(rated, text=word.sub(other, rated.text), quotes=quotes)
