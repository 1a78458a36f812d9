"""The model as MLflow serves it: a data frame with the column `text` in, the scored columns out."""

from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel

_FIRST = "lớp mình mai học mấy giờ vậy"
"""Scored once before any request, so that none waits for what the first post loads."""


class ModeratorModel(PythonModel):
    """Wraps `classifier.prediction.Moderator` for `mlflow models serve`, `mlflow.pyfunc` and Spark."""

    def load_context(self, context: Any) -> None:
        """Load the model from the artefacts logged with it."""
        from classifier.prediction import Moderator
        from classifier.registry import load_folder

        self._moderator = Moderator(load_folder(Path(context.artifacts["model"])))
        self._moderator.score([_FIRST])

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Score the column `text`; rows without usable text are `invalid`."""
        return self._moderator.score(model_input["text"].tolist())


set_model(ModeratorModel())
