"""docs/scale.md: its tables are what its figures give."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

import capacity  # noqa: E402


def test_the_document_holds_the_tables_that_its_figures_give() -> None:
    document = capacity.DOCUMENT.read_text(encoding="utf-8")
    assert {block[2] for block in capacity.BLOCK.finditer(document)} == set(capacity.tables())
    assert capacity.renewed(document) == document, "run python benchmarks/capacity.py --write"


def test_one_figure_changed_changes_what_follows_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    before = capacity.work_out()
    faster = [figure._replace(value=figure.value * 2) if figure.name == "posts_a_core_second" else figure for figure in capacity.MEASURED]
    monkeypatch.setattr(capacity, "MEASURED", faster)
    after = capacity.work_out()
    assert after["core_hours"] == pytest.approx(before["core_hours"] / 2)
    assert after["dollars"] == pytest.approx(before["dollars"] / 2)
    assert after["decisions"] == before["decisions"]
