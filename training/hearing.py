"""Trains what tone hears in the tokens of a text (``moderation/judge/hearing.py``), in PyTorch on one core."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from moderation.judge.aim import AIMS
from moderation.judge.hearing import HEARD, LISTENERS, WIDTH, Hearing
from moderation.judge.network import FEATURES
from moderation.judge.tone import HEADS

Array = NDArray[np.float32]
Rows = NDArray[np.int64]

SEED = 20260101
ROUNDS = 10
BATCH = 48
RATE = 3e-3
DECAY = 0.05
DROPPED = 0.3
"""Share of the features, and of what the heads see, that is left out at random while it learns."""
TOKENS_DROPPED = 0.05
MARKS_WEIGHT = 0.5
AIMS_WEIGHT = 0.3
HEAD_WEIGHTS = (2.0, 1.0, 0.7, 0.5, 1.0, 0.5)
"""How much each of ``HEADS`` counts."""


MARKS = ("word", "clause")
"""How a token may carry a put-down: as a word that is one by itself, or as part of a clause that is one. The judge uses
the first; the second helps to learn."""


@dataclass
class Lesson:
    """What is learned from, for n texts: token features (half precision), their numbers, and what is said of them.

    ``labels`` (n, heads) with NaN where nothing is said, ``marks`` (tokens, 2) 1, 0 or NaN, ``aims`` (n,) rows of
    ``AIMS`` or -1, ``weight`` (n,), ``often`` (n,) the chance to be taught in a round, ``source`` (n,): each source has
    its own leaning, which is learned and left out.
    """

    features: NDArray[np.float16]
    lengths: Rows
    labels: Array
    marks: Array
    aims: Rows
    weight: Array
    often: Array
    source: Rows

    def __post_init__(self) -> None:
        """Say where each text begins."""
        self.starts = np.cumsum(self.lengths) - self.lengths

    def tokens(self, rows: Rows) -> Rows:
        """Return the places of the tokens of some texts, one text after the other."""
        lengths = self.lengths[rows]
        first = np.cumsum(lengths) - lengths
        return np.repeat(self.starts[rows] - first, lengths) + np.arange(lengths.sum())


class _Net(nn.Module):
    """The same arithmetic as ``Hearing``, with heads on top that only serve to teach it."""

    def __init__(self, sources: int) -> None:
        super().__init__()
        self.first = nn.Linear(FEATURES, WIDTH)
        self.near = nn.Linear(3 * WIDTH, WIDTH)
        self.attention = nn.Linear(WIDTH, LISTENERS)
        self.mark = nn.Linear(WIDTH, len(MARKS))
        self.heads = nn.Linear(HEARD, len(HEADS) + len(AIMS))
        self.leaning = nn.Parameter(torch.zeros(sources, len(HEADS)))

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return what is heard of each text and the marks of each token."""
        # What is left out of a token's features is left out of all tokens of the batch: else its other tokens would
        # tell, and it is done by the weights, which are few.
        left = functional.dropout(torch.ones(FEATURES), DROPPED, self.training)
        told = torch.rand(len(features), 1) >= (TOKENS_DROPPED if self.training else 0)
        texts, tokens = len(lengths), len(features)
        of = torch.repeat_interleave(torch.arange(texts), lengths)
        ends = torch.cumsum(lengths, 0)
        values = functional.relu(functional.linear(features, self.first.weight * left) * told + self.first.bias)
        seen = functional.dropout(values, DROPPED, self.training)
        begins, stops = torch.ones(tokens, 1), torch.ones(tokens, 1)
        begins[ends - lengths], stops[ends - 1] = 0, 0
        edge = torch.zeros(1, WIDTH)
        left, right = torch.cat([edge, values[:-1]]) * begins, torch.cat([values[1:], edge]) * stops
        values = values + functional.relu(self.near(torch.cat([left, seen, right], 1)))

        attention = self.attention(values)
        spread = of[:, None].expand(tokens, LISTENERS)
        top = torch.full((texts, LISTENERS), -1e9).scatter_reduce(0, spread, attention.detach(), "amax")
        attention = torch.exp(attention - top[of])
        attention = attention / torch.zeros(texts, LISTENERS).index_add(0, of, attention)[of]
        attended = values * attention.repeat_interleave(WIDTH // LISTENERS, dim=1)
        total = torch.zeros(texts, WIDTH).index_add(0, of, attended)
        mean = torch.zeros(texts, WIDTH).index_add(0, of, values) / lengths[:, None]
        spread = of[:, None].expand(tokens, WIDTH)
        most = torch.full((texts, WIDTH), -1e9).scatter_reduce(0, spread, values, "amax")
        return torch.cat([total, mean, most], 1), self.mark(values)


@dataclass
class Learned:
    """A trained network and its heads: ``judge`` says (n, heads + aims) of rows that were heard."""

    weights: dict[str, Array]
    heads: Array
    heads_bias: Array

    def judge(self, rows: Array) -> Array:
        """Return logits of the heads, then of the aims."""
        return rows @ self.heads + self.heads_bias


def learn(lesson: Lesson, rows: Rows, *, seed: int = SEED) -> Learned:
    """Return a network taught on some of the texts; the same rows and seed give the same network."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    chooser = np.random.default_rng(seed)
    net = _Net(int(lesson.source.max()) + 1)
    rounds = [batch for _ in range(ROUNDS) for batch in _batches(lesson, rows, chooser)]
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=DECAY)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=len(rounds) + 1, pct_start=0.15)
    mean = {name: value.detach().clone() for name, value in net.named_parameters()}
    net.train()
    for done, batch in enumerate(rounds, start=1):
        optimiser.zero_grad()
        _loss(net, lesson, batch).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        rate.step()
        # A running mean of the last few hundred steps generalises better than the last step.
        keep = min(0.995, done / (done + 10))
        with torch.no_grad():
            for name, value in net.named_parameters():
                mean[name].lerp_(value, 1 - keep)
    return _learned({name: value.numpy().copy() for name, value in mean.items()})


def _learned(w: dict[str, Array]) -> Learned:
    weights: dict[str, Array] = {}
    for name in ("first", "near", "attention"):
        weights[f"hearing_{name}"] = w[f"{name}.weight"].T.copy()
        weights[f"hearing_{name}_bias"] = w[f"{name}.bias"]
    weights["hearing_mark"] = w["mark.weight"].T.copy()
    weights["hearing_mark_bias"] = w["mark.bias"]
    return Learned(weights, w["heads.weight"].T.copy(), w["heads.bias"])


def _batches(lesson: Lesson, rows: Rows, chooser: np.random.Generator) -> list[Rows]:
    """Return the rows in a new order, texts of like length together: a batch is then about as large as another."""
    mixed = rows[chooser.random(len(rows)) < lesson.often[rows]]
    mixed = mixed[chooser.permutation(len(mixed))]
    found: list[Rows] = []
    for first in range(0, len(mixed), BATCH * 40):
        part = mixed[first : first + BATCH * 40]
        part = part[np.argsort(lesson.lengths[part], kind="stable")]
        found += [part[i : i + BATCH] for i in range(0, len(part), BATCH)]
    return [found[i] for i in chooser.permutation(len(found))]


def _loss(net: _Net, lesson: Lesson, batch: Rows) -> Tensor:
    places = lesson.tokens(batch)
    features = torch.from_numpy(lesson.features[places].astype(np.float32))
    lengths = torch.from_numpy(lesson.lengths[batch])
    heard, marks = net(features, lengths)
    said = net.heads(functional.dropout(heard, DROPPED))
    weight = torch.from_numpy(lesson.weight[batch])

    labels = torch.from_numpy(lesson.labels[batch])
    known = (~torch.isnan(labels)).float() * torch.tensor(HEAD_WEIGHTS) * weight[:, None]
    logits = said[:, : len(HEADS)] + net.leaning[torch.from_numpy(lesson.source[batch])]
    wrong = functional.binary_cross_entropy_with_logits(logits, torch.nan_to_num(labels), reduction="none")
    loss = (wrong * known).sum() / len(batch)

    aims = torch.from_numpy(lesson.aims[batch])
    wrong = functional.cross_entropy(said[:, len(HEADS) :], aims.clamp(min=0), reduction="none")
    loss = loss + AIMS_WEIGHT * (wrong * (aims >= 0) * weight).sum() / len(batch)

    truth = torch.from_numpy(lesson.marks[places])
    known = (~torch.isnan(truth)).float()
    wrong = functional.binary_cross_entropy_with_logits(marks, torch.nan_to_num(truth), reduction="none")
    return loss + MARKS_WEIGHT * (wrong * known).sum() / known.sum().clamp(min=100)


def hear(learned: Learned, lesson: Lesson, rows: Rows) -> tuple[Array, Array]:
    """Return, as the judge computes them, what is heard of some texts, (n, 384), and the marks of their tokens."""
    hearing = Hearing(learned.weights)
    heard, marks = [], []
    for first in range(0, len(rows), 64):
        part = rows[first : first + 64]
        found = hearing.hear(lesson.features[lesson.tokens(part)].astype(np.float32), lesson.lengths[part])
        heard.append(found.rows)
        marks.append(found.marks)
    return np.concatenate(heard), np.concatenate(marks)
