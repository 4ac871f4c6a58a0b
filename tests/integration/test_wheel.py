"""The wheel holds everything, and a page renders from it."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]

RENDER = """
from pydantic import SecretStr
from moderation import create_app
from moderation.config import Settings
from moderation.judge import Judge
app = create_app(Settings(home={home!r}, secret_key=SecretStr("x" * 40), default_language="de"))
print(app.template_folder)
print("Anmelden" in app.test_client().get("/sign-in", headers={{"Accept-Language": "de"}}).text)
print(Judge.load().engine.startswith("embedded"))
"""


def test_the_wheel_holds_everything_and_a_page_renders_from_it(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        held = set(opened.namelist())
        opened.extractall(tmp_path / "site")
    for pattern in ("templates/*.html", "moderation/**/*.py", "worker/*.py"):
        for file in ROOT.glob(pattern):
            name = file.relative_to(ROOT).as_posix()
            assert ("moderation/" + name if name.startswith("templates") else name) in held
    for kind in ("static/desk.css", "static/vendor/icons.svg", "house_rules.yaml", "judge/weights/tone.npz"):
        assert f"moderation/{kind}" in held
    assert "moderation/translations/de/LC_MESSAGES/messages.mo" in held
    code = RENDER.format(home=str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path / "site", capture_output=True, text=True, check=True
    )
    folder, page, judge = done.stdout.splitlines()
    assert folder.startswith(str(tmp_path))
    assert (page, judge) == ("True", "True")
