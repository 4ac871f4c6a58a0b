"""What is heard in a text's tokens is the same alone and in company, in training and in service."""

import numpy as np
import pytest
import torch

from moderation.judge.hearing import HEARD, LISTENERS, SELVES, WIDTH, Hearing
from moderation.judge.network import FEATURES
from training import hearing as training

LENGTHS = np.array([3, 1, 7, 2])


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(1)
    net = training._Net(2)
    torch.nn.init.normal_(net.distance)
    net.eval()
    return net


@pytest.fixture(scope="module")
def hearing(net):
    learned = training._learned({name: value.detach().numpy().copy() for name, value in net.named_parameters()})
    return Hearing(learned.weights)


@pytest.fixture(scope="module")
def features():
    return np.random.default_rng(1).normal(size=(LENGTHS.sum(), FEATURES)).astype(np.float32)


def test_the_judge_hears_what_was_heard_in_training(net, hearing, features):
    there = np.arange(LENGTHS.max()) < LENGTHS[:, None]
    padded = np.random.default_rng(2).normal(size=(*there.shape, FEATURES)).astype(np.float32)
    padded[there] = features
    with torch.no_grad():
        rows, marks = net(torch.from_numpy(padded), torch.from_numpy(there))
    heard = hearing.hear(features, LENGTHS)
    assert heard.rows.shape == (len(LENGTHS), HEARD)
    np.testing.assert_allclose(heard.rows, rows.numpy(), atol=1e-4)
    np.testing.assert_allclose(heard.marks, marks.numpy()[there], atol=1e-4)


def test_a_text_is_heard_the_same_alone_and_in_company(hearing, features):
    together = hearing.hear(features, LENGTHS)
    first = 0
    for row, length in enumerate(LENGTHS):
        alone = hearing.hear(features[first : first + length], LENGTHS[row : row + 1])
        np.testing.assert_allclose(alone.rows[0], together.rows[row], atol=1e-5)
        np.testing.assert_allclose(alone.marks, together.marks[first : first + length], atol=1e-5)
        first += length


def test_a_token_is_told_what_its_whole_text_says_and_nothing_of_others(hearing, features):
    changed = features.copy()
    first, last = LENGTHS[:2].sum(), LENGTHS[:3].sum() - 1
    changed[last] = -features[last]
    moved = np.abs(hearing.hear(changed, LENGTHS).marks - hearing.hear(features, LENGTHS).marks)[:, 0] > 1e-4
    assert moved[first : last + 1].all()  # further away than the convolutions reach
    assert not moved[:first].any()
    assert not moved[last + 1 :].any()


def test_every_listener_has_its_share_of_the_values():
    assert WIDTH % LISTENERS == WIDTH % SELVES == 0


def test_tokens_lie_where_the_encoder_says(encoder):
    text = "Der Stadtrat hat „entschieden“, 😀 so!"
    places = encoder.places(text)
    assert len(encoder.ids(text)) == len(places) + 2
    assert "".join(text[start:end] for start, end in places).replace(" ", "") == text.replace(" ", "")


def test_of_a_very_long_text_the_beginning_and_the_end_have_places(encoder):
    text = "Anfang " * 1000 + "Mitte " * 1000 + "Ende gut, alles gut. " * 60
    places = encoder.places(text)
    assert len(encoder.ids(text)) == len(places) + 2
    assert places == sorted(places)
    assert not any(start < len(text) - 800 and end > 2400 for start, end in places)
    read = "".join(text[start:end] for start, end in places)
    assert read.replace(" ", "") == (text[:2400] + text[-800:]).replace(" ", "")
