"""How much a few counted cases prove: exact binomial tails and bounds. Without numpy, because the web asks, too."""

from math import exp, lgamma, log

DOUBT = 0.05
"""How often a bound may be wrong: one time in twenty."""


def at_least(hits: int, tries: int, share: float) -> float:
    """Return how probable ``hits`` or more of ``tries`` are where each hits with the probability ``share``."""
    if hits <= 0:
        return 1.0
    if hits > tries or share <= 0:
        return 0.0
    if share >= 1:
        return 1.0
    if hits <= tries * share:  # the shorter tail, so that few terms are summed
        return 1.0 - _upwards(tries - hits + 1, tries, 1 - share)
    return _upwards(hits, tries, share)


def at_most(hits: int, tries: int, share: float) -> float:
    """Return how probable ``hits`` or fewer of ``tries`` are where each hits with the probability ``share``."""
    return at_least(tries - hits, tries, 1 - share)


def _upwards(first: int, tries: int, share: float) -> float:
    """Sum the probabilities of ``first`` hits and more; quick where they fall from there on."""
    odds = share / (1 - share)
    term = exp(
        lgamma(tries + 1)
        - lgamma(first + 1)
        - lgamma(tries - first + 1)
        + first * log(share)
        + (tries - first) * log(1 - share)
    )
    total = 0.0
    for hits in range(first, tries + 1):
        total += term
        if term < total * 1e-15:
            break
        term *= (tries - hits) / (hits + 1) * odds
    return min(total, 1.0)


def surely_at_least(hits: int, tries: int, *, doubt: float = DOUBT) -> float:
    """Return the share that ``hits`` of ``tries`` prove at least: the one-sided bound of Clopper and Pearson.

    It is too high no more often than ``doubt``; 0 where there were no tries.
    """
    if hits <= 0:
        return 0.0
    low, high = 0.0, hits / tries
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if at_least(hits, tries, middle) < doubt else (low, middle)
    return low


def poisson_at_least(number: int, expected: float) -> float:
    """Return how probable ``number`` or more events are where ``expected`` are expected."""
    if number <= 0:
        return 1.0
    if expected <= 0:
        return 0.0
    term, below = exp(-expected), 0.0
    for at in range(number):
        below += term
        term *= expected / (at + 1)
    if below < 0.999:
        return 1.0 - below
    total = 0.0
    for at in range(number, number + 1000):
        total += term
        if term < total * 1e-15:
            break
        term *= expected / (at + 1)
    return total
