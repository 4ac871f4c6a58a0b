"""What reads strangers' words, fuzzed: ``python -m tests.fuzzing [TARGET …] --seconds 60``, or `make fuzz`.

atheris looks for inputs that reach code which none before reached. Each target has something that must hold, besides
that nothing but our own errors is raised. The suite runs the same targets on inputs by chance, without atheris.
"""

import argparse
import io
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

if __name__ == "__main__" and "--only" in sys.argv:  # before anything of ours is imported, so that it is watched
    import atheris

    atheris.instrument_imports(include=["moderation"]).__enter__()

from moderation import bulk
from moderation.arriving import Arriving, Refused
from moderation.contract import decode, parse_event
from moderation.errors import ModerationError
from moderation.imports.disqus import read_disqus
from moderation.imports.lines import read_csv, read_jsonl
from moderation.imports.wordpress import read_wordpress
from moderation.judge import Case, Judge
from moderation.judge.address import loudness, shouted, signs
from moderation.judge.case import Article, Parent
from moderation.judge.folding import fold
from moderation.judge.text import html_to_text, sentences, words
from tests.senders import comment

LONGEST = 2000
"""Bytes of an input."""


def _text(data: bytes) -> str:
    """A text as JSON may bring it: with half surrogate pairs, too."""
    return data.decode("utf-8", "surrogateescape").encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def folding(data: bytes) -> None:
    """Each folded letter comes from somewhere in the text, in order."""
    text = _text(data)
    folded = fold(text)
    assert len(folded.text) == len(folded.starts) == len(folded.ends)
    assert all(0 <= a < b <= len(text) for a, b in zip(folded.starts, folded.ends, strict=True))
    assert list(folded.starts) == sorted(folded.starts)


def splitting(data: bytes) -> None:
    """HTML becomes text; sentences and words lie in the text, in order."""
    text = html_to_text(_text(data))
    for places in (sentences(text), words(text)):
        ends = 0
        for start, end in places:
            assert ends <= start < end <= len(text)
            ends = end


def address(data: bytes) -> None:
    """Signs of whom a comment goes against are numbers."""
    text = _text(data)
    case = Case(text, article=Article(title=text[:40], authors=(text[:9],)), parent=Parent(text[::2], text[:7]))
    assert all(math.isfinite(sign) for sign in signs(case))
    assert 0 <= loudness(text) <= 1
    assert all(0 <= start < end <= len(text) for start, end in shouted(text))


@cache
def _judge() -> Judge:
    return Judge.load()


def judging(data: bytes) -> None:
    """The whole judge: scores are probabilities or missing, and marks lie in the text."""
    text = _text(data)
    (judged,) = _judge().assess([Case(text, article=Article(title="Die Brücke wird gesperrt", lead=text[:80]))])
    for score in (judged.relevance, judged.disrespect, *judged.kinds.values()):
        assert score is None or 0 <= score <= 1
    for span in judged.spans:
        assert 0 <= span.start < span.end <= len(text)


def webhook(data: bytes) -> None:
    """What is sent to the webhook is an event, or is refused in words."""
    with suppress(ModerationError):
        parse_event(decode(data))
    with suppress(ModerationError):
        bulk.parse(decode(data), webhook_id="w", max_characters=1000)


def _importing(read: Callable[..., object]) -> Callable[[bytes], None]:
    def target(data: bytes) -> None:
        with suppress(ModerationError):
            list(read(io.BytesIO(data)))  # type: ignore[call-overload]

    return target


def arriving(data: bytes) -> None:
    """However a request is cut, it is as whole as if it had come at once."""
    at_once, in_pieces = Arriving(500), Arriving(500)
    at_once.got += data
    results: list[object] = []
    for request, pieces in ((at_once, []), (in_pieces, [data[at : at + 7] for at in range(0, len(data), 7)])):
        try:
            for piece in pieces:
                request.got += piece
                if request.is_whole():
                    break
            results.append(request.is_whole())
        except Refused:
            results.append("refused")
    assert results[0] == results[1] or "refused" in results


_EVENT = json.dumps({"type": "comment.created", "data": comment()}).encode()
_WHEN = datetime.now(UTC).isoformat()
_CSV = f"id,text,submitted_at,article_id,article_url,article_title\n1,Gut,{_WHEN},a,https://a.example/a,A\n".encode()
_DISQUS = (
    b'<disqus xmlns="http://disqus.com" xmlns:dsq="http://disqus.com/disqus-internals"><thread dsq:id="1"><id>a</id>'
    b"<link>https://a.example/a</link><title>A</title></thread><post dsq:id='2'><message>Gut</message><createdAt>"
    b"2024-03-01T12:00:00Z</createdAt><isDeleted>false</isDeleted><isSpam>false</isSpam><author><name>N</name></author>"
    b"<thread dsq:id='1'/></post></disqus>"
)
_WORDPRESS = (
    b'<rss xmlns:wp="http://wordpress.org/export/1.2/"><channel><item><title>A</title><link>https://a.example/a</link>'
    b"<wp:post_id>1</wp:post_id><wp:comment><wp:comment_id>2</wp:comment_id><wp:comment_content>Gut</wp:comment_content>"
    b"<wp:comment_date_gmt>2024-03-01 12:00:00</wp:comment_date_gmt><wp:comment_approved>1</wp:comment_approved>"
    b"</wp:comment></item></channel></rss>"
)
_WORDS = "Du I.d.i.0.t, das ist 1 Trottel <b>&amp;</b> STRASSE! z. B. @Jörg: du hast 😀 recht.".encode()
_REQUEST = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\n\r\n"

TARGETS: dict[str, tuple[Callable[[bytes], None], bytes]] = {
    "folding": (folding, _WORDS),
    "splitting": (splitting, _WORDS),
    "address": (address, _WORDS),
    "judging": (judging, _WORDS),
    "webhook": (webhook, _EVENT),
    "jsonl": (_importing(read_jsonl), json.dumps(comment()).encode() + b"\n"),
    "csv": (_importing(read_csv), _CSV),
    "disqus": (_importing(read_disqus), _DISQUS),
    "wordpress": (_importing(read_wordpress), _WORDPRESS),
    "arriving": (arriving, _REQUEST),
}


def main() -> int:
    """Fuzz each target in a process of its own, as libFuzzer never returns; 1 where one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", choices=[[], *TARGETS], help="which; all where none is named")
    parser.add_argument("--seconds", type=int, default=60, help="for each")
    options = parser.parse_args()
    failed = []
    for name in options.targets or TARGETS:
        with tempfile.TemporaryDirectory() as corpus:
            (Path(corpus) / "seed").write_bytes(TARGETS[name][1])
            limits = [f"-max_total_time={options.seconds}", f"-max_len={LONGEST}", f"-artifact_prefix={name}-"]
            command = [sys.executable, "-m", "tests.fuzzing", "--only", name, *limits, "-verbosity=0", corpus]
            done = subprocess.run([*command, "-print_final_stats=1"], capture_output=True, text=True, check=False)
        ran = [line.split()[-1] for line in done.stderr.splitlines() if "number_of_executed_units" in line]
        print(f"{name:<12}{''.join(ran):>10} inputs  {'failed' if done.returncode else 'holds'}", flush=True)
        if done.returncode:
            failed.append(name)
            print(done.stderr[-3000:])
    return int(bool(failed))


if __name__ == "__main__":
    if "--only" in sys.argv:
        at = sys.argv.index("--only")
        chosen = sys.argv[at + 1]
        atheris.Setup([sys.argv[0], *sys.argv[at + 2 :]], TARGETS[chosen][0])
        atheris.Fuzz()
    sys.exit(main())
