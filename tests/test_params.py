"""Reading params.yaml: what is accepted, and how faults are named."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from classifier.errors import InputError
from classifier.params import GateParams, Params, load_params
from classifier.taxonomy import CATEGORIES

SHIPPED = Path(__file__).parents[1] / "params.yaml"


def changed(folder: Path, key_path: str, value: Any) -> Path:
    """The shipped params with one key set to another value."""
    content = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    *sections, key = key_path.split(".")
    section = content
    for name in sections:
        section = section[int(name)] if name.isdigit() else section[name]
    section[key] = value
    return written(folder, yaml.safe_dump(content))


def written(folder: Path, text: str) -> Path:
    path = folder / "params.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        load_params(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


def test_the_shipped_file_holds_what_is_loaded(params: Params) -> None:
    content = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    assert params.model_dump() == Params.model_validate(content).model_dump()
    assert params.routing.flag_precision == content["routing"]["flag_precision"]
    assert list(params.features.char_ngrams) == content["features"]["char_ngrams"]
    assert [source.path for source in params.corpus.sources] == [source["path"] for source in content["corpus"]["sources"]]


@pytest.mark.parametrize(
    ("key_path", "value", "named"),
    [
        ("seeed", 1, ["seeed is not a known key", "seed", "corpus"]),
        ("model.foldz", 5, ["model.foldz is not a known key", "regularization", "folds"]),
        ("corpus.sources.1.colour", "red", ["corpus.sources.1.colour is not a known key", "adapter", "weight"]),
        ("seed", "many", ["seed is 'many'", "integer"]),
        ("seed", True, ["seed is True", "integer"]),
        ("prediction.chunk_size", 10.5, ["prediction.chunk_size is 10.5", "integer"]),
        ("corpus.sources.0.measured", "yes", ["corpus.sources.0.measured is 'yes'", "boolean"]),
        ("corpus.sources.0.adapter", "excel", ["corpus.sources.0.adapter is 'excel'", "posts", "vihsd"]),
        ("text", None, ["text is None"]),
        ("routing.flag_precision", 1.2, ["routing.flag_precision is 1.2", "less than or equal to 1"]),
        ("gates.protected_flagged", -0.1, ["gates.protected_flagged is -0.1", "greater than or equal to 0"]),
        ("routing.clear_miss_rate", float("nan"), ["routing.clear_miss_rate is nan"]),
        ("model.regularization", 0, ["model.regularization is 0", "greater than 0"]),
        ("corpus.splits.train", 0.8, ["corpus.splits", "add up to 1"]),
        ("features.word_ngrams", [3, 2], ["features.word_ngrams", "shortest n-gram comes first"]),
        ("features.word_ngrams", [1], ["features.word_ngrams", "missing"]),
        ("features.view_weights", [1.0, 0.5, 1.5], ["features.view_weights", "missing"]),
        ("features.view_weights", [1.0, 0.5, 1.5, -1.0], ["features.view_weights.3 is -1.0", "greater than or equal to 0"]),
        ("features.pair_window", 1, ["features.pair_window is 1", "greater than or equal to 2"]),
        ("features.pair_window", 51, ["features.pair_window is 51", "less than or equal to 50"]),
        ("model.calibration", "platt", ["model.calibration is 'platt'", "auto", "sigmoid", "temperature", "isotonic"]),
        ("model.bare_copies", -0.5, ["model.bare_copies is -0.5", "greater than or equal to 0"]),
        ("model.bare_copies", float("inf"), ["model.bare_copies is inf", "finite"]),
        ("model.expected_rate", {"insults": 0.02}, ["model.expected_rate", "insults is no category", *CATEGORIES]),
        ("model.expected_rate", {"insult": 0}, ["model.expected_rate.insult is 0", "greater than 0"]),
        ("model.expected_rate", {"insult": 1.0}, ["model.expected_rate.insult is 1.0", "less than 1"]),
        ("model.expected_rate", 0.02, ["model.expected_rate is 0.02", "dictionary"]),
        ("routing.flag_protected", 1.2, ["routing.flag_protected is 1.2", "less than or equal to 1"]),
        ("routing.confidence", 1.0, ["routing.confidence is 1.0", "less than 1"]),
        ("routing.confidence", 0, ["routing.confidence is 0", "greater than 0"]),
        ("routing.min_flagged", 5, ["routing.min_flagged is not a known key", "flag_precision", "confidence"]),
        ("gates.political_spread", 1.5, ["gates.political_spread is 1.5", "less than or equal to 1"]),
        ("gates.recall_lost", "5 %", ["gates.recall_lost is '5 %'", "number"]),
        ("gates.recall_lots", 0.05, ["gates.recall_lots is not a known key", "recall_lost", "recall_lost_bare"]),
    ],
)
def test_a_wrong_key_or_value_is_named_with_what_is_allowed(tmp_path: Path, key_path: str, value: Any, named: list[str]) -> None:
    message = refusal(changed(tmp_path, key_path, value))
    assert all(part in message for part in named), message


@pytest.mark.parametrize("name", GateParams.model_fields)
def test_every_gate_needs_a_limit_between_0_and_1(tmp_path: Path, name: str) -> None:
    for value in (-0.01, 1.01, float("nan"), None):
        assert f"gates.{name} is {value}" in refusal(changed(tmp_path, f"gates.{name}", value))
    assert getattr(load_params(changed(tmp_path, f"gates.{name}", 0.5)).gates, name) == 0.5


@pytest.mark.parametrize("rates", [None, {}, {"insult": 0.02}, dict.fromkeys(CATEGORIES, 0.01)])
def test_rates_may_be_expected_of_any_category_or_of_none(tmp_path: Path, rates: dict[str, float] | None) -> None:
    assert load_params(changed(tmp_path, "model.expected_rate", rates)).model.expected_rate == rates


def test_two_sources_of_one_name_are_refused(tmp_path: Path) -> None:
    assert "source names must differ" in refusal(changed(tmp_path, "corpus.sources.1.name", "seed"))


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    text = SHIPPED.read_text(encoding="utf-8").replace("flag_precision: 0.9", "flag_precision: 9").replace("min_df: 2", "min_df: 0")
    message = refusal(written(tmp_path, text))
    assert "routing.flag_precision is 9" in message
    assert "features.min_df is 0" in message


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    text = "\n".join(line for line in SHIPPED.read_text(encoding="utf-8").splitlines() if "clear_probability:" not in line)
    assert "routing.clear_probability is missing" in refusal(written(tmp_path, text))


def test_a_repeated_key_is_refused(tmp_path: Path) -> None:
    text = SHIPPED.read_text(encoding="utf-8").replace("  folds: 5", "  folds: 4\n  folds: 5")
    assert "'folds' appears twice" in refusal(written(tmp_path, text))


@pytest.mark.parametrize("text", ["corpus: [", "corpus: *nowhere", "seed: \x07", "a: !!python/object:os.stat 1"])
def test_what_is_not_yaml_is_refused(tmp_path: Path, text: str) -> None:
    assert "not valid YAML" in refusal(written(tmp_path, text))


@pytest.mark.parametrize("text", ["", "- 1", "just words"])
def test_yaml_without_sections_is_refused(tmp_path: Path, text: str) -> None:
    assert "needs sections" in refusal(written(tmp_path, text))


def test_a_missing_file_a_folder_and_other_bytes_are_refused(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "params.yaml")
    assert "can't be read" in refusal(tmp_path)
    (tmp_path / "params.yaml").write_bytes(b"seed: \xff\n")
    assert "can't be read" in refusal(tmp_path / "params.yaml")


def test_loaded_params_cannot_be_changed(params: Params) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        params.seed = 1  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        params.corpus.sources[0].weight = 2.0  # type: ignore[misc]


def settings(node: yaml.Node, blocks: tuple[int, ...] = (), path: str = "") -> Iterator[tuple[str, int, tuple[int, ...]]]:
    """Every key that holds a value: its path, its line, and the lines where the blocks around it begin."""
    if isinstance(node, yaml.SequenceNode) and not all(isinstance(item, yaml.ScalarNode) for item in node.value):
        for number, item in enumerate(node.value):
            yield from settings(item, blocks, f"{path}.{number}")
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from settings(value, (*blocks, key.start_mark.line), f"{path}.{key.value}".lstrip("."))
    else:
        yield path, blocks[-1], blocks[:-1]


def test_every_key_is_documented_where_it_stands() -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    lines = text.splitlines()

    def comment_above(line: int) -> bool:
        return line > 0 and lines[line - 1].lstrip().startswith("#")

    found = list(settings(yaml.compose(text)))
    undocumented = [path for path, line, blocks in found if "#" not in lines[line] and not any(map(comment_above, (line, *blocks)))]
    assert len(found) > 20
    assert undocumented == []
