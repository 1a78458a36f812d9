"""MLflow: one run a training, the model registered as pyfunc, the alias `champion` on the version in use."""

import io
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Any

from classifier.errors import InputError
from classifier.params import Params, TrackingParams, tracking_uri
from classifier.taxonomy import CATEGORIES

CHAMPION = "champion"
VERSION_TAG = "model_version"
_EXAMPLE = "Mai lớp mình học phòng nào vậy cả nhà?"


@contextmanager
def _client(project: Path) -> Iterator[Any]:
    """MLflow set to the store in use, and quiet: its migration log and progress bars are no messages for our users."""
    os.environ |= {"MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false", "GIT_PYTHON_REFRESH": "quiet"}
    os.environ |= {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20"}
    import mlflow
    from alembic.util.exc import CommandError
    from sqlalchemy.exc import SQLAlchemyError

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    environment = dict(os.environ)
    uri = tracking_uri(project)
    try:
        with redirect_stderr(io.StringIO()):
            mlflow.set_tracking_uri(uri)  # exports MLFLOW_TRACKING_URI, which would then win over every later project
            yield mlflow
    except (mlflow.exceptions.MlflowException, SQLAlchemyError, CommandError, OSError) as error:
        reason = " ".join(str(error).split())[:120]
        raise InputError(f"MLflow store {uri}: can't be used ({reason}); point MLFLOW_TRACKING_URI to a store that answers, or unset it") from error
    finally:
        os.environ.clear()
        os.environ.update(environment)


def check_store(project: Path) -> None:
    """Ask the MLflow store for an answer, before a training that would end in it.

    Raises
    ------
    InputError
        If it can't be used.
    """
    with _client(project) as mlflow:
        mlflow.MlflowClient().search_experiments(max_results=1)


def log_training(project: Path, params: Params, folder: Path, metrics: Mapping[str, float], tags: Mapping[str, str]) -> dict[str, str]:
    """Log a finished training and register its model.

    Parameters
    ----------
    project : Path
        Where the default store lies.
    params : Params
    folder : Path
        `models/<version>`, logged with its report and cards; no text of a post is in it.
    metrics : mapping of str to float
    tags : mapping of str to str
        Corpus hash, git revision and the like.

    Returns
    -------
    dict
        `run_id` and `registered_version`.
    """
    with _client(project) as mlflow:
        with mlflow.start_run(experiment_id=_experiment(mlflow, project, params.tracking.experiment), run_name=folder.name) as run:
            mlflow.log_params(_flat(params.model_dump(mode="json")))
            mlflow.log_metrics(dict(metrics))
            mlflow.set_tags({VERSION_TAG: folder.name, **tags})
            mlflow.log_artifacts(str(folder / "report"), "report")
            for card in folder.glob("MODEL_CARD*.md"):
                mlflow.log_artifact(str(card))
            model = _log_pyfunc(mlflow, folder, params.tracking.registered_model)
        mlflow.MlflowClient().set_model_version_tag(params.tracking.registered_model, model.registered_model_version, VERSION_TAG, folder.name)
        return {"run_id": run.info.run_id, "registered_version": str(model.registered_model_version)}


def _experiment(mlflow: Any, project: Path, name: str) -> str:
    """With the default store, artefacts lie in the project's mlruns/, wherever the command was started."""
    found = mlflow.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    location = (project / "mlruns").resolve().as_uri() if tracking_uri(project).startswith("sqlite:") else None
    return str(mlflow.create_experiment(name, artifact_location=location))


def _log_pyfunc(mlflow: Any, folder: Path, registered_model: str) -> Any:
    import pandas as pd
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema

    from classifier import pyfunc
    from classifier.prediction import SCORE_COLUMNS

    numbers = {f"p_{category}" for category in CATEGORIES}
    outputs: list[Any] = [
        ColSpec(DataType.double if name in numbers else DataType.string, name, required=name not in numbers) for name in SCORE_COLUMNS
    ]
    return mlflow.pyfunc.log_model(
        name="model",
        python_model=pyfunc.__file__,
        artifacts={"model": str(folder)},
        code_paths=[str(Path(__file__).parent)],
        signature=ModelSignature(Schema([ColSpec(DataType.string, "text")]), Schema(outputs)),
        input_example=pd.DataFrame({"text": [_EXAMPLE]}),
        pip_requirements=_requirements(),
        registered_model_name=registered_model,
    )


def _requirements() -> list[str]:
    """What predicting needs, in the versions that training ran with."""
    from importlib.metadata import version

    names = ("mlflow", "numpy", "pandas", "scipy", "scikit-learn", "skops", "joblib", "underthesea", "phonenumbers", "pydantic", "pyyaml")
    return [f"{name}=={version(name)}" for name in names]


def mark_champion(project: Path, params: TrackingParams, version: str) -> bool:
    """Move the alias `champion` to the registered model of a version.

    Returns
    -------
    bool
        Whether the store in use knows that version; it may have been trained with another store.
    """
    uri = tracking_uri(project)
    if uri.startswith("sqlite:///") and not Path(uri.removeprefix("sqlite:///")).exists():
        return False
    with _client(project) as mlflow:
        client = mlflow.MlflowClient()
        found = _registered(client, params, version)
        if found:
            client.set_registered_model_alias(params.registered_model, CHAMPION, found[0].version)
        return bool(found)


def registered_udf(spark: Any, project: Path, params: TrackingParams, version: str) -> Callable[..., Any]:
    """Give the registered model of a version as a function over a Spark column of texts.

    Parameters
    ----------
    spark : pyspark.sql.SparkSession
    project : Path
        Where the default store lies.
    params : TrackingParams
    version : str

    Returns
    -------
    callable
        What it gives is a struct with the scored columns; workers need the libraries of this environment.

    Raises
    ------
    InputError
        If the store in use can't be used or does not know the version.
    """
    with _client(project) as mlflow:
        found = _registered(mlflow.MlflowClient(), params, version)
        if not found:
            raise InputError(
                f"MLflow store {tracking_uri(project)}: has no model of version {version}; train with this store, or set MLFLOW_TRACKING_URI"
            )
        address = f"models:/{params.registered_model}/{found[0].version}"
        udf: Callable[..., Any] = mlflow.pyfunc.spark_udf(spark, address, env_manager="local")
        return udf


def _registered(client: Any, params: TrackingParams, version: str) -> list[Any]:
    return list(client.search_model_versions(f"name='{params.registered_model}' and tags.{VERSION_TAG}='{version}'"))


def _flat(content: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in content.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for item in value:
                flat |= _flat({k: v for k, v in item.items() if k != "name"}, f"{prefix}{key}.{item['name']}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
