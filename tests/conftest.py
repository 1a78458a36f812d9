"""Shared fixtures: the project's folder, and one model trained on the seed corpus for the whole session."""

import shutil
from pathlib import Path

import pytest

from classifier.params import Params, load_params
from classifier.prediction import Moderator
from classifier.training import TrainingResult, train

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def params() -> Params:
    return load_params(ROOT / "params.yaml")


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project folder of its own: the params and the seed corpus, no model, no store."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copy(ROOT / "params.yaml", folder)
    shutil.copytree(ROOT / "data" / "seed", folder / "data" / "seed")
    return folder


@pytest.fixture(scope="session")
def trained(project: Path, params: Params) -> TrainingResult:
    """What the first training in an empty project gives."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        return train(params, project, project / "models")


@pytest.fixture(scope="session")
def moderator(project: Path, trained: TrainingResult) -> Moderator:
    return Moderator.load(project / "models")
