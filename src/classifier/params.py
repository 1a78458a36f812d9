"""Reads params.yaml into frozen, validated objects; the only reader of params and of the environment."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from classifier.errors import InputError
from classifier.taxonomy import CATEGORIES

PARAMS_FILE = "params.yaml"

Probability = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(gt=0, lt=1)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def _ascending(ngrams: tuple[int, int]) -> tuple[int, int]:
    if ngrams[0] > ngrams[1]:
        raise ValueError("the shortest n-gram comes first, the longest second")
    return ngrams


Ngrams = Annotated[tuple[Positive, Positive], Field(strict=False), AfterValidator(_ascending)]
Processes = Annotated[int, Field(ge=-1)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class SourceParams(_Section):
    """One source of labelled posts."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    adapter: Literal["posts", "vihsd", "victsd", "vsfc"]
    path: str
    weight: Weight
    measured: bool


class NearDuplicateParams(_Section):
    """When two posts count as the same."""

    similarity: Probability
    permutations: Annotated[int, Field(ge=16, le=1024)]


class SplitParams(_Section):
    """Shares of the duplicate groups."""

    train: Probability
    calibration: Probability
    test: Probability

    @model_validator(mode="after")
    def _add_up(self) -> Self:
        if abs(self.train + self.calibration + self.test - 1) > 1e-9 or min(self.train, self.calibration, self.test) == 0:
            raise ValueError("train, calibration and test must be above 0 and add up to 1")
        return self


class CorpusParams(_Section):
    """Where labelled posts come from and how they are split."""

    sources: Annotated[tuple[SourceParams, ...], Field(strict=False, min_length=1)]
    near_duplicates: NearDuplicateParams
    splits: SplitParams

    @model_validator(mode="after")
    def _unique_names(self) -> Self:
        names = [source.name for source in self.sources]
        if len(set(names)) < len(names):
            raise ValueError(f"source names must differ, got {', '.join(names)}")
        return self


class TextParams(_Section):
    """Limits on one post."""

    max_characters: Positive


class FeatureParams(_Section):
    """The TF-IDF views."""

    word_ngrams: Ngrams
    char_ngrams: Ngrams
    folded_ngrams: Ngrams
    pair_window: Annotated[int, Field(ge=2, le=50)]
    min_df: Positive
    view_weights: Annotated[tuple[Weight, Weight, Weight, Weight], Field(strict=False)]
    segmenter: Literal["tables", "word_tokenize"]


class ModelParams(_Section):
    """The linear heads."""

    regularization: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    class_weight: Literal["balanced"] | None
    bare_copies: Weight
    calibration: Literal["auto", "sigmoid", "temperature", "isotonic"]
    folds: Annotated[int, Field(ge=2, le=20)]
    expected_rate: dict[str, Share] | None

    @field_validator("expected_rate")
    @classmethod
    def _known_categories(cls, rates: dict[str, float] | None) -> dict[str, float] | None:
        unknown = sorted(set(rates or ()) - set(CATEGORIES))
        if unknown:
            raise ValueError(f"{unknown[0]} is no category; there are {', '.join(CATEGORIES)}")
        return rates


class RoutingParams(_Section):
    """Targets that the bands must meet."""

    flag_precision: Probability
    flag_protected: Probability
    clear_miss_rate: Probability
    confidence: Share
    clear_probability: Probability


class EvaluationParams(_Section):
    """Intervals of the metrics."""

    bootstrap: Annotated[int, Field(ge=20)]
    confidence: Share


class GateParams(_Section):
    """What a model must reach to be promoted."""

    protected_flagged: Probability
    identity_auc_loss: Probability
    political_spread: Probability
    calibration_error: Probability
    recall_lost: Probability
    recall_lost_bare: Probability
    disguised_flagged: Probability
    average_precision_loss: Probability


class TrackingParams(_Section):
    """Names in MLflow."""

    experiment: Annotated[str, Field(min_length=1)]
    registered_model: Annotated[str, Field(min_length=1)]


class PredictionParams(_Section):
    """How batches are scored."""

    chunk_size: Positive
    processes: Processes
    reasons: Annotated[int, Field(ge=0)]


class CacheParams(_Section):
    """Where training keeps what it works out of posts."""

    folder: str | None
    most_mib: Positive


class OrderParams(_Section):
    """What a look at a post is worth."""

    severity: dict[str, Weight]
    urgent: Weight
    uncertainty: Weight
    age: Weight

    @field_validator("severity")
    @classmethod
    def _every_category(cls, severity: dict[str, float]) -> dict[str, float]:
        if set(severity) != set(CATEGORIES):
            raise ValueError(f"needs exactly {', '.join(CATEGORIES)}")
        return severity


class ReviewParams(_Section):
    """The queue, the page and the people."""

    database_url: str | None
    clear_share: Annotated[float, Field(gt=0, le=1)]
    double_share: Probability
    gold_share: Probability
    blind: bool
    lease_minutes: Annotated[float, Field(gt=0)]
    pause_after: Positive
    session_hours: Annotated[float, Field(gt=0)]
    login_attempts: Positive
    login_minutes: Annotated[float, Field(gt=0)]
    upload_megabytes: Annotated[float, Field(gt=0)]
    upload_hours: Annotated[float, Field(gt=0)]
    api_posts: Positive
    single_weight: Annotated[float, Field(gt=0, le=1)]
    order: OrderParams


class MonitoringParams(_Section):
    """How far a batch may lie from what the model was measured on."""

    probability_psi: Weight
    probability_ks: Probability
    unknown_words: Probability
    route_share: Probability
    override_rate: Probability


class Params(_Section):
    """All of params.yaml; a stage takes the part it needs as an argument."""

    seed: Annotated[int, Field(ge=0, lt=2**32)]
    corpus: CorpusParams
    text: TextParams
    features: FeatureParams
    model: ModelParams
    routing: RoutingParams
    evaluation: EvaluationParams
    gates: GateParams
    tracking: TrackingParams
    cache: CacheParams
    prediction: PredictionParams
    review: ReviewParams
    monitoring: MonitoringParams


def load_params(path: str | Path = PARAMS_FILE) -> Params:
    """Read and check a params file.

    Parameters
    ----------
    path : str or Path
        The YAML file.

    Returns
    -------
    Params

    Raises
    ------
    InputError
        If the file is missing or not YAML, or if a key is unknown, missing, of a wrong type or out of range; the message
        names each key by its path, the value seen and what is allowed.
    """
    path = Path(path)
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeyLoader)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; run from the project's folder or name the file with --params") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: can't be read ({error})") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: not valid YAML ({' '.join(str(error).split())})") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: needs sections such as corpus and model, got {type(content).__name__}")
    try:
        return Params.model_validate(content)
    except ValidationError as error:
        raise InputError(f"{path}: " + "; ".join(_explain(fault, content) for fault in error.errors())) from None


class _UniqueKeyLoader(yaml.SafeLoader):
    """PyYAML lets the last of two equal keys win in silence; this one refuses them."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} appears twice", node.start_mark)
        return super().construct_mapping(node, deep)


def _explain(fault: Any, content: dict[str, Any]) -> str:
    key = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        return f"{key} is not a known key; allowed here: {', '.join(_allowed_keys(fault['loc'][:-1]))}"
    if fault["type"] == "missing":
        return f"{key} is missing; add it"
    seen = "" if isinstance(fault["input"], (dict, list)) else f" is {fault['input']!r}, but:"
    message = fault["msg"].removeprefix("Value error, ")
    return f"{key}{seen} {message[0].lower()}{message[1:]}"


def _allowed_keys(location: tuple[Any, ...]) -> list[str]:
    section: Any = Params
    for part in location:
        if isinstance(part, str):
            annotation = section.model_fields[part].annotation
            section = SourceParams if part == "sources" else annotation
    return list(section.model_fields)


def tracking_uri(project: Path) -> str:
    """Return MLFLOW_TRACKING_URI, or a SQLite store in the project's folder where it is not set."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{(project / 'mlflow.db').resolve()}"


def secret_key() -> str | None:
    """Return CLASSIFIER_SECRET_KEY, which signs the cookies of the review page."""
    return os.environ.get("CLASSIFIER_SECRET_KEY")


def database_url(project: Path, params: ReviewParams) -> str:
    """Return the address of the review store: CLASSIFIER_DATABASE_URL, else params, else a SQLite file in the project's folder."""
    return os.environ.get("CLASSIFIER_DATABASE_URL") or params.database_url or f"sqlite:///{(project / 'data' / 'review.db').resolve()}"
