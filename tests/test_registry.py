"""Stored versions: what is saved comes back, what was tampered with does not."""

import json
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import skops.io

from classifier import registry
from classifier.errors import InputError
from classifier.features import PostVectorizer
from classifier.model import CalibratedLinearHead, PostClassifier
from classifier.predictor import FittedClassifier
from classifier.routing import Band
from classifier.taxonomy import CATEGORIES

VERSIONS = ("20260101-000000-aaaaaaaa", "20260102-000000-bbbbbbbb")
FACTS = {"posts": {"seed/train": 16}, "max_characters": 1000, "reasons": 3}
TEXTS = ["đồ ngu như bò", "mày ngu quá", "mai học phòng nào", "trời hôm nay đẹp"] * 4


@pytest.fixture(scope="module")
def classifier() -> PostClassifier:
    labels = np.tile(np.array([[1.0], [1.0], [0.0], [0.0]]), (4, len(CATEGORIES)))
    vectorizer = PostVectorizer(min_df=1, weights=(1.0, 1.0, 1.0, 1.0))
    return PostClassifier(vectorizer, CalibratedLinearHead(folds=2, calibration="isotonic")).fit(TEXTS, labels)


@pytest.fixture
def models(tmp_path: Path, classifier: PostClassifier) -> Path:
    for version in VERSIONS:
        registry.save_model(tmp_path / version, classifier, {category: Band(0.2, None) for category in CATEGORIES}, FACTS)
    registry.promote_version(tmp_path, VERSIONS[0])
    return tmp_path


def test_a_stored_model_scores_as_before(models: Path, classifier: PostClassifier) -> None:
    stored = registry.load_model(models)
    np.testing.assert_array_equal(stored.classifier.predict_proba(TEXTS), classifier.predict_proba(TEXTS))
    assert stored.bands == {category: Band(0.2, None) for category in CATEGORIES}
    assert stored.metadata["reasons"] == 3


def test_a_stored_model_does_not_carry_what_its_training_posts_scored(models: Path, classifier: PostClassifier) -> None:
    assert all(hasattr(head, "out_of_fold_") for head in classifier.heads_.values())
    assert not any(hasattr(head, "out_of_fold_") for head in registry.load_model(models).classifier.heads_.values())
    with zipfile.ZipFile(models / VERSIONS[0] / registry.MODEL_FILE) as archive:
        assert b"out_of_fold_" not in archive.read("schema.json")


def test_a_file_that_only_skops_can_read_gives_the_same_model(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = registry.load_model(models).classifier

    def refuse(*_: object) -> None:
        raise registry.UnknownContentError("a node of the future")

    monkeypatch.setattr(registry, "read_model_file", refuse)
    read = registry.load_model(models).classifier
    assert (type(plain), type(read)) == (FittedClassifier, PostClassifier)
    np.testing.assert_array_equal(read.predict_proba(TEXTS), plain.predict_proba(TEXTS))


def test_a_stored_model_can_be_sent_to_another_process(models: Path) -> None:
    stored = registry.load_model(models).classifier
    size = len(pickle.dumps(stored))
    before = stored.explain(TEXTS[:2])
    again = pickle.loads(pickle.dumps(stored))
    np.testing.assert_array_equal(again.predict_proba(TEXTS), stored.predict_proba(TEXTS))
    for one, other in zip(again.explain(TEXTS[:2]), before, strict=True):
        np.testing.assert_array_equal(one.weights, other.weights)
    assert len(pickle.dumps(stored)) == size, "tables are not sent"


def test_a_stored_model_scores_without_scikit_learn(models: Path) -> None:
    code = """
import sys
from pathlib import Path
from classifier.prediction import Moderator
scored = Moderator.load(Path(sys.argv[1])).score(["đồ ngu như bò, thầy ạ!", "mai_học 😂 phòng nào", None])
assert scored["decision"].notna().all()
print(*sys.modules)
"""
    run = subprocess.run([sys.executable, "-c", code, str(models)], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert "scipy.sparse" in loaded
    assert loaded & {"sklearn", "mlflow", "scipy.stats", "underthesea", "skops", "joblib"} == set()


def test_promotion_switches_the_version_in_use_and_back(models: Path) -> None:
    registry.promote_version(models, VERSIONS[1])
    assert registry.current_version(models) == registry.load_model(models).version == VERSIONS[1]
    registry.promote_version(models, VERSIONS[0])
    assert registry.load_model(models).version == VERSIONS[0]
    assert registry.list_versions(models) == list(VERSIONS)


def test_no_model_in_use_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no model in use yet; run `make train` first"):
        registry.load_model(tmp_path)


@pytest.mark.parametrize("version", ["20990101-000000-cccccccc", "../etc", "", "current"])
def test_an_unknown_version_is_refused_with_the_known_ones(models: Path, version: str) -> None:
    with pytest.raises(InputError, match=f"known .*{VERSIONS[1]}"):
        registry.promote_version(models, version)
    assert registry.current_version(models) == VERSIONS[0]


@pytest.mark.parametrize("name", [registry.MODEL_FILE, registry.ROUTING_FILE])
def test_an_altered_file_is_refused(models: Path, name: str) -> None:
    path = models / VERSIONS[0] / name
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(InputError, match=f"{name}: altered since training"):
        registry.load_model(models)


@pytest.mark.parametrize("name", [registry.MODEL_FILE, registry.ROUTING_FILE, registry.METADATA_FILE])
def test_a_missing_file_is_named(models: Path, name: str) -> None:
    (models / VERSIONS[0] / name).unlink()
    with pytest.raises(InputError, match=f"{name}: missing"):
        registry.load_model(models)


@pytest.mark.parametrize("schema", [1, 99])
def test_another_schema_version_is_refused(models: Path, schema: int) -> None:
    path = models / VERSIONS[0] / registry.METADATA_FILE
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema_version": schema}))
    with pytest.raises(InputError, match=f"schema version {schema}, this program reads {registry.SCHEMA_VERSION}"):
        registry.load_model(models)


def test_a_model_file_with_foreign_types_is_refused_even_with_a_matching_hash(models: Path) -> None:
    folder = models / VERSIONS[0]
    skops.io.dump({"x": Path}, folder / registry.MODEL_FILE)
    metadata = json.loads((folder / registry.METADATA_FILE).read_text())
    metadata["sha256"][registry.MODEL_FILE] = registry._sha256(folder / registry.MODEL_FILE)
    (folder / registry.METADATA_FILE).write_text(json.dumps(metadata))
    with pytest.raises(InputError, match="can't be loaded"):
        registry.load_model(models)


def test_a_model_file_holds_no_pickle(models: Path) -> None:
    with zipfile.ZipFile(models / VERSIONS[0] / registry.MODEL_FILE) as archive:
        assert not [name for name in archive.namelist() if name.endswith((".pkl", ".pickle", ".joblib"))]


def test_the_pointer_to_the_version_in_use_may_be_damaged_but_says_so(models: Path) -> None:
    (models / registry.CURRENT).write_text("nonsense\n")
    with pytest.raises(InputError, match="no version 'nonsense'"):
        registry.load_model(models)


def test_a_renamed_folder_is_refused(models: Path) -> None:
    (models / VERSIONS[1]).rename(models / "20260103-000000-cccccccc")
    with pytest.raises(InputError, match="is of version 20260102-000000-bbbbbbbb, its folder is 20260103"):
        registry.promote_version(models, "20260103-000000-cccccccc")
