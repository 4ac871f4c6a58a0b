"""How long one `comments:analyze` takes, from a warm judge in a web process: ``python -m benchmarks.perspective``."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from training.corpus import load_threads

ROOT = Path(__file__).resolve().parent.parent
ATTRIBUTES = ("TOXICITY", "INSULT", "THREAT", "PROFANITY", "IDENTITY_ATTACK")


def measure(address: str, token: str, calls: int) -> list[float]:
    """Return the milliseconds of each call, one after another, each with another comment."""
    threads = load_threads(ROOT / "training" / "corpus" / "threads")
    texts = [comment.text for thread in threads for comment in thread.comments][: calls + 50]
    taken = []
    with httpx.Client(base_url=address, trust_env=False, timeout=60) as client:
        for text in texts:
            body = {
                "comment": {"text": text},
                "requestedAttributes": {key: {} for key in ATTRIBUTES},
                "languages": ["de"],
            }
            started = time.perf_counter()
            answer = client.post("/v1alpha1/comments:analyze", params={"key": token}, content=json.dumps(body))
            taken.append(1000 * (time.perf_counter() - started))
            answer.raise_for_status()
    return taken[50:]


def main() -> None:
    """Start a web process as `moderation run` does, on one core, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=500)
    parser.add_argument("--port", type=int, default=8191)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        settings = {"HOME": home, "SECRET_KEY": "k" * 40, "WARM_JUDGE": "true", "CALLS_PER_MINUTE": "1000000"}
        env = os.environ | {f"MODERATION_{name}": value for name, value in settings.items()}
        env |= {"OPENBLAS_NUM_THREADS": "1"}
        command = [sys.executable, "-c", "from moderation.cli import main; main()"]
        subprocess.run([*command, "db", "upgrade"], env=env, check=True, capture_output=True)
        add = [*command, "site", "add", "paper", "--name", "Paper"]
        printed = subprocess.run(add, env=env, check=True, capture_output=True, text=True).stdout
        token = printed.split("API token:")[1].split()[0]
        address = f"127.0.0.1:{arguments.port}"
        gunicorn = ["gunicorn", "moderation:create_app()", "--bind", address, "--config", "python:moderation.serving"]
        web = subprocess.Popen([sys.executable, "-m", *gunicorn], env=env, stderr=subprocess.DEVNULL)
        try:
            wait_for(f"http://{address}/readyz")
            taken = sorted(measure(f"http://{address}", token, arguments.calls))
        finally:
            web.terminate()
            web.wait()
    print(f"{len(taken)} calls, one after another, five attributes, the corpus's comments")
    print(f"median {statistics.median(taken):.1f} ms, p95 {taken[int(0.95 * len(taken))]:.1f} ms,", end=" ")
    print(f"p99 {taken[int(0.99 * len(taken))]:.1f} ms, worst {taken[-1]:.1f} ms")


def wait_for(url: str) -> None:
    """Wait until somebody answers."""
    for _ in range(300):
        try:
            if httpx.get(url, trust_env=False).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise SystemExit(f"Nobody answers at {url}.")


if __name__ == "__main__":
    main()
