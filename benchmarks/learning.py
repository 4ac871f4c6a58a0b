"""How well decisions are foretold by what was learned before them, for teams of public texts and made-up ones.

    python -m benchmarks.learning [--data FOLDER] [--seeds 3] [--decisions 2200] [--team NAME …]

FOLDER holds the public sets as NOTICE names them (germeval2018, gahd, fox_news, davidson); without it the corpus'
threads and the made-up teams are replayed. Each public text is judged once and its scores are blurred, as the judge
knows these sets; each seed is another order of the texts, or another made-up site. Prints medians over the seeds: the
area under the curve of the site's model and of the general one by decisions seen, the calibration error from 300
decisions on beside what chance alone would leave of it, and how far the area ever fell behind the general one's.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import random
import statistics
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.teams import TASTES, TEXTS, Labelled, blurred, generated, turned
from moderation.cli.backtest import Decided, study
from moderation.judge import Case, Judge
from moderation.learning.figures import SEEN, Doubles, auc, calibration_error
from moderation.learning.fit import Material, join
from moderation.learning.replay import replay
from moderation.learning.risk import Places

CALIBRATED_FROM = 300
DRAWS = 20


def judged(texts: list[Labelled], judge: Judge) -> Material:
    """Return what can be learned from texts whose labels stand for decisions."""
    return join(list(study(judge, [Decided(Case(one.text), None, one.deleted, None) for one in texts])))


def left_by_chance(said: Doubles, seed: int) -> float:
    """Return the calibration error that probabilities have on average where they are true."""
    chance = np.random.default_rng(seed)
    drawn = (calibration_error(said, (chance.random(len(said)) < said).astype(np.float64)) for _ in range(DRAWS))
    return float(np.mean(list(drawn)))


def furthest_behind(order: Doubles, general: Doubles, deleted: Doubles) -> float:
    """Return how far the area ever was below the general one's, looked at after every decision."""
    own, other, furthest = Places(), Places(), 0.0
    for place, base, outcome in zip(order.tolist(), general.tolist(), (deleted > 0.5).tolist(), strict=True):
        own.put(place, deleted=outcome)
        other.put(base, deleted=outcome)
        if pairs := len(own.approved) * len(own.deleted):
            furthest = max(furthest, (other.pairs - own.pairs) / pairs)
    return furthest


def figures(material: Material, seed: int) -> dict[str, float | None]:
    """Replay a team's decisions and measure."""
    replayed, deleted = replay(material), material.deleted
    late = slice(CALIBRATED_FROM, None)
    found: dict[str, float | None] = {
        "deleted": float(deleted.mean()),
        "ece": calibration_error(replayed.learned[late], deleted[late]),
        "chance": left_by_chance(replayed.learned[late], seed),
        "behind": furthest_behind(replayed.order, replayed.general, deleted),
    }
    for a, b in SEEN:
        found[f"{a}-{b}"] = auc(replayed.order[a:b], deleted[a:b])
        found[f"{a}-{b} general"] = auc(replayed.general[a:b], deleted[a:b])
    return found


def teams(folder: Path | None, decisions: int, seeds: int) -> Iterator[tuple[str, Iterator[Material]]]:
    """Yield teams by name, each with its decisions seed by seed."""
    judge = Judge.load()
    for name, texts in TEXTS.items():
        if folder is None and name != "the corpus' threads":
            continue
        found = list(texts(folder or Path()))
        random.Random(1).shuffle(found)
        all_ = judged(found[: 2 * decisions], judge)
        orders = [np.random.default_rng(seed).permutation(len(all_.deleted))[:decisions] for seed in range(seeds)]
        sites = [blurred(all_.rows(rows), seed) for seed, rows in enumerate(orders)]
        yield name, iter(sites)
        yield f"{name}, turned over", (turned(site) for site in sites)
    for name, taste in TASTES.items():
        yield name, (generated(decisions, taste, seed) for seed in range(1, seeds + 1))


def middle(all_: list[dict[str, float | None]], name: str) -> str:
    """Return the median of a figure, or a dash where it cannot be told."""
    values = [value for one in all_ if (value := one[name]) is not None]
    return f"{statistics.median(values):.2f}" if values else "-"


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--decisions", type=int, default=2200)
    parser.add_argument("--team", action="append", help="Only teams whose name begins so.")
    wanted = parser.parse_args()
    spans = [f"{a}-{b}" for a, b in SEEN if a < wanted.decisions]
    print(f"{'':40}{'deleted':>9}" + "".join(f"{span:>14}" for span in spans) + f"{'ece':>8}{'chance':>8}{'behind':>8}")
    for name, sites in teams(wanted.data, wanted.decisions, wanted.seeds):
        if wanted.team and not any(name.startswith(each) for each in wanted.team):
            continue
        all_ = [figures(site, seed) for seed, site in enumerate(sites)]
        pairs = (f"{middle(all_, span)} / {middle(all_, f'{span} general')}" for span in spans)
        areas = "".join(f"{pair:>14}" for pair in pairs)
        fine = "".join(f"{statistics.median(float(one[key] or 0) for one in all_):8.3f}" for key in ("ece", "chance"))
        furthest = max(float(one["behind"] or 0) for one in all_)
        print(f"{name:40}{middle(all_, 'deleted'):>9}{areas}{fine}{furthest:8.4f}", flush=True)


if __name__ == "__main__":
    main()
