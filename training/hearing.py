"""Trains what tone hears in the tokens of a text (``moderation/judge/hearing.py``), in PyTorch on one core."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from moderation.judge.aim import AIMS
from moderation.judge.hearing import BETWEEN, HEARD, LAYERS, LISTENERS, MARKS, REACH, SELVES, WIDTH, Hearing
from moderation.judge.network import FEATURES
from moderation.judge.tone import HEADS

Array = NDArray[np.float32]
Rows = NDArray[np.int64]

SEED = 20260101
ROUNDS = 10
BATCH = 48
RATE = 2e-3
DECAY = 0.05
DROPPED = 0.3
"""Share of the features, and of what the heads see, that is left out at random while it learns."""
CONTEXT_DROPPED = 0.2
"""The same of what a token is told by the others of its text, and of what it makes of that."""
TOKENS_DROPPED = 0.05
MARKS_WEIGHT = 0.5
AIMS_WEIGHT = 0.3
HEAD_WEIGHTS = (2.0, 1.0, 0.7, 0.5, 1.0, 0.5)
"""How much each of ``HEADS`` counts."""


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
        self.self_norm = nn.LayerNorm(WIDTH)
        self.asked = nn.Linear(WIDTH, 3 * WIDTH)
        self.distance = nn.Parameter(torch.zeros(SELVES, 2 * REACH + 1))
        self.told = nn.Linear(WIDTH, WIDTH)
        self.feed_norm = nn.LayerNorm(WIDTH)
        self.feed_in = nn.Linear(WIDTH, BETWEEN)
        self.feed_out = nn.Linear(BETWEEN, WIDTH)
        self.listen = nn.Linear(WIDTH, LISTENERS)
        self.mark = nn.Linear(WIDTH, len(MARKS))
        self.heads = nn.Linear(HEARD, len(HEADS) + len(AIMS))
        self.leaning = nn.Parameter(torch.zeros(sources, len(HEADS)))

    def forward(self, features: Tensor, there: Tensor) -> tuple[Tensor, Tensor]:
        """Return what is heard of each text, (texts, 384), and the marks of its tokens, (texts, longest, 2).

        ``features`` are (texts, longest, 1280), and ``there`` says which of them are tokens, (texts, longest).
        """
        # What is left out of a token's features is left out of all tokens of the batch: else its other tokens would
        # tell, and it is done by the weights, which are few.
        left = functional.dropout(torch.ones(FEATURES), DROPPED, self.training)
        heard = torch.rand(*there.shape, 1) >= (TOKENS_DROPPED if self.training else 0)
        values = functional.relu(functional.linear(features, self.first.weight * left) * heard + self.first.bias)
        values = values + functional.relu(self.near(self._beside(values * there[..., None])))
        values = values + self._drop(self._hear_one_another(self.self_norm(values), there))
        between = functional.relu(self.feed_in(self.feed_norm(values)))
        values = values + self._drop(self.feed_out(self._drop(between)))
        most = values.masked_fill(~there[..., None], -1e9).amax(1)
        return torch.cat([self._listen(values * there[..., None], there), most], 1), self.mark(values)

    def _drop(self, values: Tensor) -> Tensor:
        return functional.dropout(values, CONTEXT_DROPPED, self.training)

    def _beside(self, values: Tensor) -> Tensor:
        """Return for each token what stands before it in its text, itself (some of it dropped), and what follows."""
        before, after = functional.pad(values[:, :-1], (0, 0, 1, 0)), functional.pad(values[:, 1:], (0, 0, 0, 1))
        return torch.cat([before, functional.dropout(values, DROPPED, self.training), after], 2)

    def _hear_one_another(self, values: Tensor, there: Tensor) -> Tensor:
        texts, longest = there.shape
        asked = self.asked(values).view(texts, longest, 3, SELVES, WIDTH // SELVES).permute(2, 0, 3, 1, 4)
        place = torch.arange(longest)
        far = self.distance[:, (place - place[:, None]).clamp(-REACH, REACH) + REACH]
        mask = torch.where(there[:, None, None], far, -1e4)
        told = functional.scaled_dot_product_attention(*asked, attn_mask=mask)
        return self.told(told.transpose(1, 2).reshape(texts, longest, WIDTH))

    def _listen(self, values: Tensor, there: Tensor) -> Tensor:
        """Return for each text its values as the listeners attend to them, and their mean: (texts, 256)."""
        weight = self.listen(values).masked_fill(~there[..., None], -1e9).softmax(1)
        shares = values.unflatten(2, (LISTENERS, WIDTH // LISTENERS))
        attended = torch.einsum("tnls,tnl->tls", shares, weight).flatten(1)
        return torch.cat([attended, values.sum(1) / there.sum(1, keepdim=True)], 1)


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
    weights: dict[str, Array] = {"hearing_distance": w["distance"]}
    for layer in LAYERS:
        weights[f"hearing_{layer}"] = w[f"{layer}.weight"].T.copy()
        weights[f"hearing_{layer}_bias"] = w[f"{layer}.bias"]
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
    lengths = lesson.lengths[batch][:, None]
    place = np.arange(lengths.max())
    # Beyond the end of a text its last token stands, which nobody hears.
    places = lesson.starts[batch][:, None] + np.minimum(place, lengths - 1)
    there = torch.from_numpy(place < lengths)
    heard, marks = net(torch.from_numpy(lesson.features[places].astype(np.float32)), there)
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
    known = (~torch.isnan(truth) & there[..., None]).float()
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
