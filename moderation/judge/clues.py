"""What tone reads off a text besides vectors and n-grams: word hits and habits of writing, as a row of numbers."""

import math
import re

import numpy as np

from moderation.judge.address import loudness
from moderation.judge.case import Kind
from moderation.judge.lexicon import Hit
from moderation.judge.network import Floats

LEARNED_KINDS = (Kind.INSULT, Kind.PROFANITY, Kind.THREAT, Kind.IDENTITY_ATTACK, Kind.SEXUAL)
"""The kinds that are learned; shouting is a rule."""

_YOU = re.compile(r"\b(?:du|dich|dir|dein\w*|euch|eure?\w?|you|your)\b")
_FORMAL = re.compile(r"(?<=[a-zäöüß,] )(?:Sie|Ihnen|Ihre?[mnrs]?)\b")
_MOCKING = re.compile("[🤡🤮🙄🤦🖕💩😂🤣🐑🐖🐷]")
_SCARE_QUOTE = re.compile("[„“\"»«‚‘'](\\w+)[“”\"«»‘']")
_IMPERATIVE = re.compile(
    r"\b(?:geh|gehen sie|lern|lernen sie|lernt (?:erst|mal|lesen|deutsch)|lies|lesen sie|"
    r"halt(?:et|en sie)? (?:dein|eue?r|die (?:klappe|fresse|schnauze))|pack (?:dein|deine|dich)|packt (?:euch|eure)|"
    r"hau ab|haut ab|hauen sie ab|verschwinde|verschwindet|husch|schäm dich|schämt euch|schämen sie sich|"
    r"ab in|weg mit|raus mit|sperrt|einsperren|wegsperren|go back|shut|get lost|shame)\b",
)
_THREAT = re.compile(
    r"\ban die wand\b|\b(?:auf|in) die fresse|\baufs maul|\bwo (?:du|er|sie|ihr) wohn|"
    r"\ban (?:den galgen|den (?:n.chsten )?baum|"
    r"(?:die|den) laterne)|\bwart(?:e|et)? nur\b|\bmach\w* dich fertig|\bunter die erde|\b.ber den haufen|"
    r"\bwir kriegen (?:dich|euch|sie)|"
    r"\bwir sehen uns noch\b|\bbesuch\w* abstatten|\bdann (?:brennt|knallt|fliegen|gibt(?:'s| es) (?:was|aufs?))|"
    r"\bshould be (?:shot|hanged|hung|killed)|\b(?:i|we)(?:'ll| will) (?:find|kill|get) (?:you|them)|\bwhere you live",
)
_CONDESCENDING = re.compile(
    r"\b(?:offenbar|offensichtlich|"
    r"anscheinend|wohl|selbst sie|sogar sie|ausgerechnet|bekanntlich|von leuten|solche leute|"
    r"solche wie|typen wie|leute wie|so einer|so eine|diese leute|dieser typ|"
    r"diese herrschaften|mein lieber|meine liebe|"
    r"gute frau|guter mann|schätzchen|mäuschen|junger mann|herzchen|people like|these people|bless your)\b",
)
_KIND_WORD = re.compile(r"\b(?:danke|dank|bitte|gern|schön|gut|thanks|thank|please|agree|good)\b")

NAMES = (
    *(f"{kind}:{what}" for kind in LEARNED_KINDS for what in ("strong", "mild", "sum")),
    *("you", "formal", "mocking", "scare_quote", "imperative", "condescending", "kind", "question", "threat"),
    *("loud", "length", "insult_at_you", "profanity_alone", "link", "plain_insult"),
)
"""What each number is."""


def clues(text: str, hits: list[Hit]) -> Floats:
    """Return the row of numbers for a text and its word hits: (len(NAMES),) float32, each roughly 0 to 1."""
    row: list[float] = []
    for kind in LEARNED_KINDS:
        own = [hit for hit in hits if hit.kind is kind]
        row.append(max((hit.strength for hit in own if hit.plain >= 1), default=0.0))
        row.append(max((hit.strength for hit in own if hit.plain < 1), default=0.0))
        row.append(min(1.0, sum(hit.strength for hit in own) / 3))
    head = text[:4000]
    small = head.lower()  # ten times as fast as patterns that ignore case
    you = float(bool(_YOU.search(small)))
    insult = max((hit.strength for hit in hits if hit.kind is Kind.INSULT), default=0.0)
    profanity = max((hit.strength for hit in hits if hit.kind is Kind.PROFANITY), default=0.0)
    row += [
        you,
        float(bool(_FORMAL.search(head))),
        float(bool(_MOCKING.search(head))),
        float(bool(_SCARE_QUOTE.search(head))),
        float(bool(_IMPERATIVE.search(small))),
        min(1.0, len(_CONDESCENDING.findall(small)) / 2),
        float(bool(_KIND_WORD.search(small))),
        float("?" in head),
        float(bool(_THREAT.search(small))),
        loudness(head),
        math.log1p(min(len(text), 4000)) / 8,
        insult * you,
        profanity * (insult == 0),
        float("http" in head or "www." in head),
        float(insult >= 1),
    ]
    return np.array(row, dtype=np.float32)
