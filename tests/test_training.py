"""Training: what it leaves behind, when it promotes, what it refuses."""

import json
import math
import shutil
from pathlib import Path

import mlflow
import pandas as pd
import pytest

from classifier import registry
from classifier.errors import InputError
from classifier.evasion import TRANSFORMATIONS
from classifier.neutral import IDENTITIES
from classifier.params import Params
from classifier.taxonomy import CATEGORIES, NEVER_FLAGGED, SLICES
from classifier.tracking import CHAMPION, mark_champion
from classifier.training import SPLIT_FILE, TrainingResult, train

SMALL_FILES = ("thpt_bac.csv", "mxh.csv")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Path:
    """A project with two files of the seed corpus, quick to train on."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "data" / "seed").mkdir(parents=True)
    for name in SMALL_FILES:
        shutil.copy(project / "data" / "seed" / name, folder / "data" / "seed" / name)
    return folder


def store(folder: Path) -> mlflow.MlflowClient:
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    return mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)


def champion(folder: Path, params: Params) -> str:
    return store(folder).get_model_version_by_alias(params.tracking.registered_model, CHAMPION).tags["model_version"]


def test_the_first_model_is_used_and_its_folder_is_complete(trained: TrainingResult, project: Path) -> None:
    assert trained.promoted
    assert registry.current_version(project / "models") == trained.version
    pictures = [f"report/{name}.png" for name in ("reliability", "precision_recall", "bands", "trade_off", "slices", "evasion")]
    for name in ("model.skops", "routing.json", "metadata.json", SPLIT_FILE, "report/metrics.json", "report/report.txt", *pictures):
        assert (trained.folder / name).stat().st_size > 0, name
    metrics = json.loads((trained.folder / "report" / "metrics.json").read_text(encoding="utf-8"))
    assert set(metrics["categories"]) == set(CATEGORIES)
    assert set(metrics["slices"]) == set(SLICES)
    assert set(metrics["evasion"]) == set(TRANSFORMATIONS)
    assert set(metrics["identity"]) == set(IDENTITIES)


def test_the_report_holds_what_each_band_promised_beside_what_the_test_posts_show(trained: TrainingResult) -> None:
    promises = trained.report["promises"]
    assert set(promises) == set(CATEGORIES)
    for category, band in trained.bands.items():
        assert ("flag" in promises[category]) == (category not in NEVER_FLAGGED)
        assert promises[category]["clear"]["threshold"] == (band.clear_below or None)
        assert promises[category]["clear"]["test"] == trained.report["categories"][category]["missed"]
        if category not in NEVER_FLAGGED:
            assert promises[category]["flag"]["threshold"] == band.flag_from
            assert promises[category]["flag"]["test"] == trained.report["categories"][category]["flag_precision"]
        for promise in promises[category].values():
            assert promise["threshold"] is None or promise["needed"] is None


def test_every_gate_is_logged_that_could_be_measured(trained: TrainingResult, project: Path, params: Params) -> None:
    client = store(project)
    run = client.get_run(client.get_model_version_by_alias(params.tracking.registered_model, CHAMPION).run_id)
    logged = {name for name in run.data.metrics if name.startswith("gate.")}
    assert len(logged) == sum(not math.isnan(gate.value) for gate in trained.gates) > 0


def test_the_run_is_in_mlflow_with_params_metrics_report_and_champion(trained: TrainingResult, project: Path, params: Params) -> None:
    client = store(project)
    version = client.get_model_version_by_alias(params.tracking.registered_model, CHAMPION)
    run = client.get_run(version.run_id)
    assert version.tags["model_version"] == trained.version
    assert run.data.params["model.regularization"] == str(params.model.regularization)
    assert run.data.metrics["categories.insult.average_precision"] == pytest.approx(
        trained.report["categories"]["insult"]["average_precision"]["value"]
    )
    assert len(run.data.tags["corpus_hash"]) == 64
    assert "git_revision" in run.data.tags
    assert {item.path for item in client.list_artifacts(version.run_id, "report")} >= {"report/metrics.json", "report/reliability.png"}
    assert {item.path for item in client.list_artifacts(version.run_id)} >= {"MODEL_CARD.md", "MODEL_CARD.vi.md"}


def test_the_registered_model_answers_like_the_moderator(trained: TrainingResult, project: Path, params: Params, moderator: object) -> None:
    client, name = store(project), params.tracking.registered_model
    version = client.get_model_version_by_alias(name, CHAMPION)
    model = mlflow.pyfunc.load_model(client.get_model_version_download_uri(name, version.version))
    texts = ["mai học phòng nào", "đồ ngu như bò"]
    pd.testing.assert_frame_equal(model.predict(pd.DataFrame({"text": texts})), moderator.score(texts))  # type: ignore[attr-defined]


def test_no_text_of_a_post_is_left_in_models_or_mlflow(trained: TrainingResult, project: Path) -> None:
    seed = pd.concat([pd.read_csv(path, keep_default_na=False) for path in (project / "data" / "seed").glob("*.csv")])
    long_posts = seed.loc[seed["text"].str.len() > 150, "text"].str.split("\n").str[0].str.slice(0, 80).head(300)
    files = [
        path for folder in ("models", "mlruns") for path in (project / folder).rglob("*") if path.suffix in (".json", ".txt", ".csv", ".yaml", "")
    ]
    content = "".join(path.read_text(encoding="utf-8", errors="ignore") for path in files if path.is_file())
    assert content
    assert not [post for post in long_posts if post in content]


def test_training_twice_gives_the_same_model(small: Path, params: Params) -> None:
    first = train(params, small, small / "one")
    second = train(params, small, small / "two")
    for name in (registry.ROUTING_FILE, SPLIT_FILE, "report/metrics.json"):
        assert (first.folder / name).read_text() == (second.folder / name).read_text(), name


def test_a_model_that_fails_a_gate_is_not_promoted_and_an_older_one_can_be_rolled_back(small: Path, params: Params) -> None:
    models = small / "models"
    first = train(params, small, models)
    strict = params.model_copy(update={"gates": params.gates.model_copy(update={"average_precision_loss": 0.0})})
    weak = strict.model_copy(update={"features": params.features.model_copy(update={"min_df": 60})})
    refused = train(weak, small, models)
    assert not refused.promoted
    assert [gate.name for gate in refused.gates if not gate.passed and "average precision" in gate.name]
    assert registry.current_version(models) == first.version
    assert champion(small, params) == first.version

    registry.promote_version(models, refused.version)
    assert mark_champion(small, params.tracking, refused.version)
    assert champion(small, params) == refused.version


def test_a_model_in_use_that_this_program_can_no_longer_read_does_not_keep_another_from_being_trained(small: Path, params: Params) -> None:
    models, version = small / "outdated", "20200101-000000-aaaaaaaa"
    (models / version).mkdir(parents=True)
    (models / version / registry.METADATA_FILE).write_text(json.dumps({"schema_version": registry.SCHEMA_VERSION - 1, "version": version}))
    (models / registry.CURRENT).write_text(f"{version}\n")
    with pytest.raises(InputError, match="train again with this program"):
        registry.load_model(models)
    result = train(params, small, models)
    assert registry.load_model(models).version == result.version


def test_a_corpus_that_lacks_a_category_is_refused(tmp_path: Path, project: Path, params: Params) -> None:
    posts = pd.read_csv(project / "data" / "seed" / SMALL_FILES[0], keep_default_na=False, dtype=str)
    folder = tmp_path / "data" / "seed"
    folder.mkdir(parents=True)
    posts[posts["ethics"] == "0"].to_csv(folder / "a.csv", index=False)
    with pytest.raises(InputError, match="corpus: ethics: both classes need"):
        train(params, tmp_path, tmp_path / "models")
    assert not (tmp_path / "models").exists()
