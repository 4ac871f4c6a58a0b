"""Fetching Detoxify's checkpoints from a server that cuts the connection."""

import hashlib
import warnings

import pytest
from click.testing import CliRunner

from benchmarks.stock import Size, make_checkpoint
from moderation.checkpoints import RELEASED, CannotFetch, Released, faults, pull
from moderation.cli import main
from tests.mirror import serving

CONTENT = b"weights " * 50_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()[:8]
TINY = Released("tiny", f"v1/tiny-{SHA256}.ckpt", "owner/base")


def _files(checkpoint=CONTENT):
    small = dict.fromkeys(("base/config.json", "base/tokenizer.json", "base/tokenizer_config.json"), b"{}")
    return {**small, TINY.file: checkpoint}


def test_a_download_that_is_cut_is_gone_on_with(tmp_path):
    told = []
    with serving(_files(), most=150_000) as server:
        path = pull(TINY, tmp_path, lambda *step: told.append(step), mirror=server.url)
        ranges = [asked for address, asked in server.asked if address.endswith(".ckpt")]
        asked_first = len(server.asked)
        pull(TINY, tmp_path, mirror=server.url)
        assert len(server.asked) == asked_first, "what is there is not fetched again"
    assert ranges == [None, "bytes=150000-", "bytes=300000-"]
    assert path.read_bytes() == CONTENT
    assert told[-1] == (TINY.file, len(CONTENT), len(CONTENT))
    assert faults(TINY, tmp_path) == []


def test_a_later_call_goes_on_where_the_last_gave_up(tmp_path):
    with serving(_files(), most=50_000) as server:
        with pytest.raises(CannotFetch, match="What has come so far is kept"):
            pull(TINY, tmp_path, mirror=server.url)
        assert not (tmp_path / TINY.file).exists()
        pull(TINY, tmp_path, mirror=server.url)
    assert faults(TINY, tmp_path) == []


def test_a_server_that_cannot_resume_starts_again(tmp_path):
    (tmp_path / f"{TINY.file}.part").write_bytes(b"old" * 100)
    with serving(_files(), ranges=False) as server:
        assert pull(TINY, tmp_path, mirror=server.url).read_bytes() == CONTENT


def test_what_had_come_whole_before_it_got_its_name_is_not_fetched_again(tmp_path):
    (tmp_path / f"{TINY.file}.part").write_bytes(CONTENT)
    with serving(_files()) as server:
        assert pull(TINY, tmp_path, mirror=server.url).read_bytes() == CONTENT
    assert server.sent[f"/{TINY.file}"] == 0


def test_a_file_with_another_checksum_is_thrown_away(tmp_path):
    with serving(_files(b"other")) as server, pytest.raises(CannotFetch, match=f"does not begin with {SHA256}"):
        pull(TINY, tmp_path, mirror=server.url)
    assert [path.name for path in tmp_path.iterdir()] == ["base"]


def test_without_network_it_says_which_file_to_put_where(tmp_path, monkeypatch):
    monkeypatch.setenv("MODERATION_MODELS_DIR", str(tmp_path))
    with serving({}) as server:
        url = server.url
        missing = CliRunner().invoke(main, ["models", "pull", "--mirror", url])
        assert "the answer was 404" in missing.output
    result = CliRunner().invoke(main, ["models", "pull", "--mirror", url])
    assert result.exit_code == 1
    assert f"put it at {tmp_path / 'xlm-roberta-base' / 'config.json'}" in result.output


def test_pull_makes_a_model_ready_and_check_finds_damage(tmp_path, monkeypatch):
    made = make_checkpoint(tmp_path / "made", Size(layers=1, hidden=32, heads=2), most_pieces=500)
    weights = made.read_bytes()
    model = Released("own", f"v1/own-{hashlib.sha256(weights).hexdigest()[:8]}.ckpt", "owner/xlm-roberta-base")
    monkeypatch.setitem(RELEASED, "own", model)
    monkeypatch.setenv("MODERATION_MODELS_DIR", str(tmp_path / "models"))
    files = {
        f"{path.parent.name}/{path.name}": path.read_bytes() for path in (made.parent / "xlm-roberta-base").iterdir()
    }
    with serving({**files, model.file: weights}, most=len(weights) // 2 + 1) as server, warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch's exporter copies classes that torch has deprecated
        result = CliRunner().invoke(main, ["models", "pull", "own", "--mirror", server.url])
    assert result.exit_code == 0, result.output
    assert "Ready:" in result.output
    path = tmp_path / "models" / model.file
    assert path.with_suffix(".onnx").exists()
    assert CliRunner().invoke(main, ["models", "check", "own"]).exit_code == 0
    assert "own             here" in CliRunner().invoke(main, ["models", "list"]).output
    (tmp_path / "models" / "xlm-roberta-base" / "config.json").unlink()
    path.write_bytes(weights[:-1])
    damaged = CliRunner().invoke(main, ["models", "check", "own"])
    assert damaged.exit_code == 1
    assert f"{path} is damaged" in damaged.output
    assert "config.json is missing." in damaged.output
    assert "There is no model" in CliRunner().invoke(main, ["models", "check", "nonsense"]).output
