"""Detoxify's released checkpoints: their names, what is on disk, and fetching them with resume and checksum."""

import fcntl
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx

from moderation.errors import ModerationError

RELEASES = "https://github.com/unitaryai/detoxify/releases/download"
TOKENIZERS = "https://huggingface.co"
TOKENIZER_FILES = ("config.json", "tokenizer.json", "tokenizer_config.json")
_TRIES = 5

Progress = Callable[[str, int, int | None], None]
"""Is told the file, the bytes that are there, and how many there will be, None while nobody knows."""


class CannotFetch(ModerationError):
    """A file could not be had, or is not what it should be; the message says what to do instead."""


@dataclass(frozen=True, slots=True)
class Released:
    """A checkpoint that Detoxify's makers have released. The end of its name is the beginning of its SHA-256."""

    name: str
    path: str
    base: str
    """Owner and name of the model it was trained from, where its configuration and tokenizer are."""

    @property
    def file(self) -> str:
        """Its file's name."""
        return self.path.rpartition("/")[2]

    @property
    def sha256(self) -> str:
        """The first eight digits of its SHA-256."""
        return Path(self.file).stem.rpartition("-")[2]

    def parts(self, mirror: str = "") -> list[tuple[str, str, str]]:
        """Return file below the folder of models, address, and beginning of the SHA-256 ("" where none is known).

        A mirror has the files under the names that they get here.
        """
        folder = self.base.rpartition("/")[2]
        parts = [(f"{folder}/{name}", f"{TOKENIZERS}/{self.base}/resolve/main/{name}", "") for name in TOKENIZER_FILES]
        parts.append((self.file, f"{RELEASES}/{self.path}", self.sha256))
        return [(name, f"{mirror.rstrip('/')}/{name}" if mirror else url, sha256) for name, url, sha256 in parts]


RELEASED = {
    model.name: model
    for model in (
        Released("multilingual", "v0.4-alpha/multilingual_debiased-0b549669.ckpt", "FacebookAI/xlm-roberta-base"),
        Released("original", "v0.1-alpha/toxic_original-c1212f89.ckpt", "google-bert/bert-base-uncased"),
        Released("unbiased", "v0.3-alpha/toxic_debiased-c7548aa0.ckpt", "FacebookAI/roberta-base"),
        Released("original-small", "v0.1.2/original-albert-0e1d6498.ckpt", "albert/albert-base-v2"),
        Released("unbiased-small", "v0.1.2/unbiased-albert-c8519128.ckpt", "albert/albert-base-v2"),
    )
}
"""The five of them, by the name that the package gives them."""


def faults(model: Released, folder: Path) -> list[str]:
    """Return what is missing or damaged of a model on disk, in sentences."""
    found = []
    for name, _, sha256 in model.parts():
        path = folder / name
        if not path.exists():
            found.append(f"{path} is missing.")
        elif not _digest(path).startswith(sha256):
            found.append(f"{path} is damaged: its SHA-256 does not begin with {sha256}. Delete it and pull again.")
    return found


def pull(model: Released, folder: Path, progress: Progress = lambda *_: None, *, mirror: str = "") -> Path:
    """Fetch what is not there yet, from its makers or a mirror, and return the checkpoint's path. Raises CannotFetch.

    A file that was begun is gone on with, in this call or a later one. It gets its name when it is whole.
    """
    for name, address, sha256 in model.parts(mirror):
        path = folder / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _fetch(address, path, sha256, partial(progress, name))
    return folder / model.file


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Wait until no other process changes a folder of models, and keep others waiting meanwhile."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch(address: str, path: Path, sha256: str, progress: Callable[[int, int | None], None]) -> None:
    part = path.with_name(f"{path.name}.part")
    trouble = ""
    with httpx.Client(follow_redirects=True, timeout=30) as client:
        for _ in range(_TRIES):
            try:
                _go_on(client, address, part, progress)
            except httpx.HTTPStatusError as error:
                trouble = f"the answer was {error.response.status_code}"
            except (httpx.TransportError, httpx.InvalidURL) as error:
                trouble = str(error) or type(error).__name__
            else:
                break
        else:
            raise CannotFetch(
                f"{address} could not be fetched ({trouble}). What has come so far is kept: try again, or fetch it on "
                f"a machine with network and put it at {path}."
            )
    if not _digest(part).startswith(sha256):
        part.unlink()
        raise CannotFetch(f"{address} is not the file it should be: its SHA-256 does not begin with {sha256}.")
    part.replace(path)


def _go_on(client: httpx.Client, address: str, part: Path, progress: Callable[[int, int | None], None]) -> None:
    have = part.stat().st_size if part.exists() else 0
    # Packed answers would be longer or shorter than what is on disk.
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={have}-"} if have else {})}
    with client.stream("GET", address, headers=headers) as answer:
        if answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # All of it is there; the checksum has the last word.
        answer.raise_for_status()
        if answer.status_code != httpx.codes.PARTIAL_CONTENT:
            have = 0
        length = answer.headers.get("content-length")
        with part.open("r+b" if have else "wb") as file:
            file.seek(have)
            for piece in answer.iter_raw():
                file.write(piece)
                progress(file.tell(), have + int(length) if length else None)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
