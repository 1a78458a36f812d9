"""Documents tell the truth: every command in the README runs, every command of the program is in it."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from classifier.cli import app
from classifier.training import TrainingResult

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDES = {path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").glob("*.md"))}
BLOCKS = re.findall(r"```bash\n(.*?)```", README + GUIDES["review.md"], flags=re.DOTALL)
LINES = [line.split("#")[0].strip() for block in BLOCKS for line in block.splitlines() if line.strip()]
PROGRAM = f"{shlex.quote(sys.executable)} -m classifier"
RETRAINS = "classifier train"


@pytest.fixture(scope="module")
def used(project: Path, trained: TrainingResult) -> Path:
    """The session's project with the files that the README's commands name."""
    shutil.copytree(ROOT / "data" / "incoming", project / "data" / "incoming", dirs_exist_ok=True)
    posts = (ROOT / "data" / "incoming" / "sample.csv").read_text(encoding="utf-8")
    (project / "posts.csv").write_text(posts, encoding="utf-8")
    (project / "comments.csv").write_text(posts.replace("channel,text", "channel,content", 1), encoding="utf-8")
    corpus = project / "corpora" / "vihsd"
    corpus.mkdir(parents=True, exist_ok=True)
    (corpus / "train.csv").write_text("free_text,label_id\nchúc mừng bạn,0\nvãi thật,1\nđồ ngu,2\n", encoding="utf-8")
    return project


@pytest.mark.parametrize("line", [line for line in LINES if "classifier" in line and line != RETRAINS])
def test_command_runs(used: Path, line: str) -> None:
    command = re.sub(r"(?<![\w/.-])classifier ", PROGRAM + " ", line)
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=used, env={**os.environ, "HOME": str(used)}, capture_output=True, text=True)
    shutil.rmtree(used / "data" / "external", ignore_errors=True)
    allowed = (0, 1) if "evaluate" in line else (0,)
    assert done.returncode in allowed, done.stderr


@pytest.mark.parametrize("line", sorted({line for line in LINES if line.startswith("make ")}))
def test_make_target_exists_and_is_listed(line: str) -> None:
    target = line.split()[1]
    listing = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.search(rf"make {target}\b", listing)
    subprocess.run(["make", "-n", *line.split()[1:]], cwd=ROOT, capture_output=True, check=True)


def commands(group: object, prefix: str = "classifier") -> list[str]:
    names = []
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        names += commands(command, f"{prefix} {name}") if hasattr(command, "commands") else [f"{prefix} {name}"]
    return names


@pytest.mark.parametrize("command", commands(get_command(app)))
def test_every_command_is_documented_and_has_help_with_an_example(command: str) -> None:
    assert command in README + "".join(GUIDES.values())
    done = subprocess.run([sys.executable, "-m", *command.split(), "--help"], capture_output=True, text=True, check=True)
    assert "Examples" in done.stdout
    assert command in " ".join(done.stdout.split())


def test_every_param_is_explained_where_it_stands() -> None:
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")

    def keys(content: object) -> set[str]:
        if isinstance(content, dict):
            return set(content) | set().union(*(keys(value) for value in content.values()))
        return set().union(*(keys(item) for item in content)) if isinstance(content, list) else set()

    inline = {"name", "train", "calibration", "test"}  # named within a commented line
    for key in keys(yaml.safe_load(text)) - inline:
        lines = text.splitlines()
        where = next(number for number, line in enumerate(lines) if re.search(rf"\b{key}:", line))
        assert "#" in lines[where] or re.search(rf"#\s+(?:{key}\b|Bands|Where)", text) or isinstance(yaml.safe_load(text).get(key), dict), key


def test_the_readme_is_short_and_states_the_scope_first() -> None:
    assert len(README.splitlines()) < 200
    assert README.index("No political opinion") < README.index("## Score a batch")


def test_files_that_documents_name_exist() -> None:
    for document in [ROOT / "README.md", ROOT / "data" / "README.md", *(ROOT / "docs").glob("*.md")]:
        for path in re.findall(r"`((?:docs|data|notebooks|benchmarks)/[\w./-]+\.(?:md|ipynb|py|csv|png))`", document.read_text(encoding="utf-8")):
            assert (ROOT / path).is_file(), f"{document.name} names {path}"
