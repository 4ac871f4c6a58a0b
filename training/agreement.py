"""How well two passes over the corpus agree: the labels in the threads, and a second reading without sight of them.

``python -m training.agreement`` prints Cohen's kappa and the share of equal labels. ``corpus/second_pass.csv`` has a
line for each comment that was read twice: thread, id, relevance, kinds of disrespect joined by "+", target.
"""

import csv
from collections import Counter
from pathlib import Path

import yaml
from sklearn.metrics import cohen_kappa_score

CORPUS = Path(__file__).parent / "corpus"

Labels = dict[str, str]


def first_pass() -> dict[tuple[str, str], Labels]:
    """Return the labels in the threads, by thread and comment."""
    labels = {}
    for file in sorted((CORPUS / "threads").glob("*.yaml")):
        thread = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        for comment in thread["comments"]:
            kinds = {place["kind"] for place in comment.get("disrespect") or []}
            labels[thread["id"], str(comment["id"])] = _labels(comment["relevance"], kinds, comment["target"])
    return labels


def second_pass() -> dict[tuple[str, str], Labels]:
    """Return the labels of the second reading."""
    with (CORPUS / "second_pass.csv").open(encoding="utf-8", newline="") as opened:
        return {
            (row["thread"], row["id"]): _labels(
                row["relevance"], set(row["disrespect"].split("+")) - {"none", ""}, row["target"]
            )
            for row in csv.DictReader(opened)
        }


def _labels(relevance: str, kinds: set[str], target: str) -> Labels:
    put_down = bool(kinds - {"profanity", "shouting"})
    return {
        "relevance, five classes": relevance,
        "relevance, on topic or loose against the rest": str(relevance in {"on_topic", "loose"}),
        "somebody is put down": str(put_down),
        "insult": str("insult" in kinds),
        "identity attack": str("identity_attack" in kinds),
        "profanity": str("profanity" in kinds),
        "target": target,
    }


def main() -> None:
    """Print the agreement."""
    first, second = first_pass(), second_pass()
    both = sorted(first.keys() & second.keys())
    print(f"{len(both)} of {len(first)} comments were read twice\n")
    print(f"{'':<48}{'kappa':>8}{'equal':>8}{'first':>8}{'second':>8}")
    for name in next(iter(first.values())):
        ours, theirs = [first[key][name] for key in both], [second[key][name] for key in both]
        equal = sum(a == b for a, b in zip(ours, theirs, strict=True)) / len(both)
        shares = [
            f"{Counter(labels)['True'] / len(both):>8.3f}" if {*labels} <= {"True", "False"} else f"{'':>8}"
            for labels in (ours, theirs)
        ]
        print(f"{name:<48}{cohen_kappa_score(ours, theirs):>8.2f}{equal:>8.3f}{''.join(shares)}")


if __name__ == "__main__":
    main()
