"""Judges labelled threads that nothing was trained on: ``python -m training.evaluate moderation/demo/threads``.

It goes through the front door, with the shipped weights, so its figures hold for what users get. With ``--split test``
it judges those of the corpus, with ``--data DIR``, the folder of the public sets, it prints the table of tone
(``table.py``), and with ``--cases FILE …`` how well the short cases of each file are told apart.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from moderation.figures import calibration_error
from moderation.judge import Assessment, Case, Judge, Kind
from training import table
from training.corpus import CORPUS, OFF_TOPIC, ON_TOPIC, Comment, Split, Thread, load_threads, split_of

DOUBTED_BELOW = 0.5
"""Relevance at which the shipped house rule begins to doubt."""

Judged = list[tuple[Comment, Case, Assessment]]


def evaluate(threads: list[Thread]) -> dict[str, float]:
    """Return the figures of the shipped judge on labelled threads."""
    judge = Judge.load()
    judged: Judged = []
    foreign: list[float] = []
    for number, thread in enumerate(threads):
        background = tuple(other.article.title for other in threads if other is not thread)
        cases = [thread.case(row, background) for row in range(len(thread.comments))]
        judged += list(zip(thread.comments, cases, judge.assess(cases), strict=True))
        same_language = [t for t in threads if t.article.language == thread.article.language]
        other = same_language[(same_language.index(thread) + 1) % len(same_language)]
        titles = tuple(t.article.title for t in threads if t not in (thread, other))
        there = Case("", article=other.article, thread=tuple(o.text for o in other.comments), background=titles)
        moved = [
            replace(there, text=c.text, parent=case.parent)
            for c, case in zip(thread.comments, cases, strict=True)
            if c.relevance in ON_TOPIC
        ]
        foreign += [a.relevance for a in judge.assess(moved) if a.relevance is not None]
        print(f"{number + 1} of {len(threads)}", end="\r", flush=True)
    return _tone(judged) | _relevance(judged, foreign) | _target_and_spans(judged)


def _tone(judged: Judged) -> dict[str, float]:
    scored = [(comment, a) for comment, _, a in judged if a.disrespect is not None]
    truth = np.array([comment.disrespectful for comment, _ in scored], dtype=float)
    score = np.array([a.disrespect for _, a in scored], dtype=float)
    figures = {
        "comments": float(len(judged)),
        "disrespectful": truth.sum(),
        "disrespect AUC": roc_auc_score(truth, score),
        "disrespect average precision": average_precision_score(truth, score),
        "disrespect Brier": brier_score_loss(truth, score),
        "disrespect Brier of the base rate": truth.mean() * (1 - truth.mean()),
        "disrespect calibration error": calibration_error(truth, score),
        "disrespect recall at 0.5": (score[truth == 1] >= 0.5).mean(),
        "disrespect precision at 0.5": truth[score >= 0.5].mean(),
    }
    for kind in Kind:
        own = np.array([kind in comment.kinds for comment, _ in scored])
        if own.sum() >= 3:
            figures[f"{kind} AUC ({own.sum()} comments)"] = roc_auc_score(own, [a.kinds[kind] for _, a in scored])
    return figures


def _relevance(judged: Judged, foreign: list[float]) -> dict[str, float]:
    scored = [(c, a.relevance) for c, _, a in judged if a.relevance is not None]
    own = np.array([r for c, r in scored if c.relevance in ON_TOPIC])
    off = np.array([r for c, r in scored if c.relevance in OFF_TOPIC])
    strayed = np.array([r for c, r in scored if c.relevance == "off_topic"])
    label = np.array([1.0] * len(own) + [0.0] * len(off))
    both = np.concatenate([own, off])
    return {
        "relevance: kept against called off topic AUC": roc_auc_score(label, both),
        "relevance: own against a foreign article AUC": roc_auc_score(
            [1] * len(own) + [0] * len(foreign), np.concatenate([own, foreign])
        ),
        "relevance calibration error on own threads": calibration_error(label, both),
        "relevance: called off topic or advertising, found at 0.5": (off < DOUBTED_BELOW).mean(),
        "relevance: the same, advertising aside": (strayed < DOUBTED_BELOW).mean(),
        "relevance: kept, doubted at 0.5": (own < DOUBTED_BELOW).mean(),
        "relevance: share without a number": 1 - len(scored) / len(judged),
    }


def _target_and_spans(judged: Judged) -> dict[str, float]:
    rude = [(c, case, a) for c, case, a in judged if c.disrespectful and a.disrespect is not None]
    caught = [(c, case, a) for c, case, a in rude if a.disrespect is not None and a.disrespect >= 0.5]
    right = [a.target is not None and a.target.value == c.target for c, _, a in caught]
    touched = []
    for comment, case, assessment in caught:
        for _, quote in comment.quotes:
            start = case.text.find(quote)
            touched.append(any(s.start < start + len(quote) and start < s.end for s in assessment.spans))
    return {
        "target right, of the disrespectful found": float(np.mean(right)),
        "labelled places touched by a span, of those": float(np.mean(touched)),
    }


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    asked = parser.add_mutually_exclusive_group(required=True)
    asked.add_argument("threads", type=Path, nargs="?", help="folder of labelled threads")
    asked.add_argument("--split", type=Split, choices=Split, help="the corpus's threads of a split")
    asked.add_argument("--data", type=Path, help="folder of the public data sets: print the table of tone")
    asked.add_argument("--cases", type=Path, nargs="+", metavar="FILE", help="files of short cases, each a difficulty")
    arguments = parser.parse_args()
    if arguments.cases:
        table.show(table.by_difficulty(Judge.load(), arguments.cases))
        return
    if arguments.data:
        table.show(table.measure(Judge.load(), arguments.data))
        return
    threads = load_threads(arguments.threads or CORPUS / "threads")
    if arguments.split:
        threads = [thread for thread in threads if split_of(thread.id) is arguments.split]
    for name, value in evaluate(threads).items():
        print(f"{name:60} {value:.3f}")


if __name__ == "__main__":
    main()
