"""How well two passes over the corpus agree: the labels in it, and a second reading without sight of them.

``python -m training.agreement`` prints Cohen's kappa and the share of equal labels, for the comments of the threads and
for the short cases. ``corpus/second_pass.csv`` has a line for each comment: thread, id, relevance, kinds of disrespect
joined by "+", target. ``corpus/second_pass_cases.csv`` has one for each text of the short cases: pair, number of the
text within it, kinds, target.
"""

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import yaml
from sklearn.metrics import cohen_kappa_score

from training.cases import load_pairs

CORPUS = Path(__file__).parent / "corpus"

Labels = dict[str, str]
Pass = dict[tuple[str, str], Labels]
"""Labels by thread and comment, or by pair and text."""


def first_pass() -> Pass:
    """Return the labels in the threads."""
    labels = {}
    for file in sorted((CORPUS / "threads").glob("*.yaml")):
        thread = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        for comment in thread["comments"]:
            kinds = {place["kind"] for place in comment.get("disrespect") or []}
            spoken = _of_relevance(comment["relevance"]) | _of_tone(kinds, comment["target"])
            labels[thread["id"], str(comment["id"])] = spoken
    return labels


def second_pass() -> Pass:
    """Return the labels of the second reading of the threads."""
    return {
        (row["thread"], row["id"]): _of_relevance(row["relevance"]) | _of_tone(_kinds(row), row["target"])
        for row in _lines("second_pass.csv")
    }


def first_pass_of_cases() -> Pass:
    """Return the labels in the short cases."""
    return {
        (pair.id, str(number)): _of_tone({str(kind) for kind, _ in case.quotes}, case.target)
        for pair in load_pairs()
        for number, case in enumerate(pair.cases, start=1)
    }


def second_pass_of_cases() -> Pass:
    """Return the labels of the second reading of the short cases."""
    return {(row["pair"], row["text"]): _of_tone(_kinds(row), row["target"]) for row in _lines("second_pass_cases.csv")}


def _lines(name: str) -> Iterator[dict[str, str]]:
    with (CORPUS / name).open(encoding="utf-8", newline="") as opened:
        yield from csv.DictReader(opened)


def _kinds(row: dict[str, str]) -> set[str]:
    return set(row["disrespect"].split("+")) - {"none", ""}


def _of_relevance(relevance: str) -> Labels:
    return {
        "relevance, five classes": relevance,
        "relevance, on topic or loose against the rest": str(relevance in {"on_topic", "loose"}),
    }


def _of_tone(kinds: set[str], target: str) -> Labels:
    return {
        "somebody is put down": str(bool(kinds - {"profanity", "shouting"})),
        "insult": str("insult" in kinds),
        "identity attack": str("identity_attack" in kinds),
        "threat": str("threat" in kinds),
        "profanity": str("profanity" in kinds),
        "target": target,
    }


def show(what: str, first: Pass, second: Pass) -> None:
    """Print how far two passes agree on what both have read."""
    both = sorted(first.keys() & second.keys())
    print(f"{len(both)} of {len(first)} {what} were read twice\n")
    print(f"{'':<48}{'kappa':>8}{'equal':>8}{'first':>8}{'second':>8}")
    for name in next(iter(first.values())):
        ours, theirs = [first[key][name] for key in both], [second[key][name] for key in both]
        equal = sum(a == b for a, b in zip(ours, theirs, strict=True)) / len(both)
        shares = [
            f"{Counter(labels)['True'] / len(both):>8.3f}" if {*labels} <= {"True", "False"} else f"{'':>8}"
            for labels in (ours, theirs)
        ]
        print(f"{name:<48}{cohen_kappa_score(ours, theirs):>8.2f}{equal:>8.3f}{''.join(shares)}")


def main() -> None:
    """Print the agreement."""
    show("comments", first_pass(), second_pass())
    print()
    show("texts of the short cases", first_pass_of_cases(), second_pass_of_cases())


if __name__ == "__main__":
    main()
