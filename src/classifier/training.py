"""From corpus to a model in use: split, fit, calibrate, choose bands, evaluate, judge, track, promote."""

import platform
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from classifier import registry, tracking
from classifier.assessment import assess, promises_kept
from classifier.bands import ChosenBand, OutOfFold, choose_band
from classifier.cache import FeatureCache
from classifier.corpus import Corpus, load_corpus
from classifier.corpus.label_check import out_of_fold_probabilities, suspected_errors
from classifier.corpus.sources import OWN_FORMAT
from classifier.corpus.splits import CALIBRATION, TEST, TRAIN
from classifier.distributions import reference, write_reference
from classifier.errors import InputError
from classifier.evaluation import average_precision_losses
from classifier.features import PostVectorizer, Prepared
from classifier.gates import Gate, judge
from classifier.model import CalibratedLinearHead, PostClassifier
from classifier.model_card import write_card
from classifier.params import Params
from classifier.report import write_report
from classifier.routing import Band
from classifier.taxonomy import CATEGORIES
from classifier.text import strip_accents

SPLIT_FILE = "split.csv"
Step = Callable[[str], None]


@dataclass(frozen=True)
class TrainingResult:
    """What came of a training.

    Attributes
    ----------
    version : str
    folder : Path
    report : dict
        Of `classifier.assessment.assess` on the test split, and `promises`, of `classifier.assessment.promises_kept`.
    bands : dict of str to Band
    gates : list of Gate
    promoted : bool
    first : bool
        Whether no model was in use before.
    skipped : tuple of str
        Sources whose files are not there.
    seconds : float
        Wall time of the training itself, without logging to MLflow.
    """

    version: str
    folder: Path
    report: dict[str, Any]
    bands: dict[str, Band]
    gates: list[Gate]
    promoted: bool
    first: bool
    skipped: tuple[str, ...]
    seconds: float


def build_classifier(params: Params) -> PostClassifier:
    """Return the unfitted classifier that params describe."""
    features, model = params.features, params.model
    vectorizer = PostVectorizer(
        features.word_ngrams,
        features.char_ngrams,
        features.folded_ngrams,
        features.pair_window,
        features.min_df,
        features.view_weights,
        segmenter=features.segmenter,
    )
    head = CalibratedLinearHead(model.regularization, model.class_weight, model.calibration, model.folds, params.seed)
    return PostClassifier(vectorizer, head, expected_rates=model.expected_rate, n_jobs=params.prediction.processes)


def forms(params: Params, texts: Iterable[str], cache: FeatureCache | None = None) -> Prepared:
    """Return the forms of posts as the classifier of params reads them."""
    return (cache or FeatureCache(None)).forms(list(texts), params.prediction.processes, params.features.segmenter)


def fit_classifier(params: Params, posts: pd.DataFrame, prepared: Prepared, cache: FeatureCache | None = None) -> PostClassifier:
    """Fit the classifier of params on labelled posts and on copies of them without accents.

    Many people type without accents; a copy in that form lets every post teach what it says about such posts too.
    Probabilities are calibrated on the posts of measured sources alone, since those resemble the posts to come.

    Parameters
    ----------
    params : Params
    posts : pandas.DataFrame, n rows
        Of a `Corpus`: `text`, categories, `source`, `weight`, `group`, `measured`.
    prepared : Prepared
        The forms of the n posts.
    cache : FeatureCache, optional
        Where forms and features may be known from before.
    """
    ours = [source.name for source in params.corpus.sources if source.adapter == OWN_FORMAT]
    copied = np.flatnonzero(posts["source"].isin(ours).to_numpy() & (params.model.bare_copies > 0))
    copies = forms(params, [strip_accents(text) for text in posts["text"].iloc[copied]], cache)
    rows = np.concatenate([np.arange(len(posts)), copied])
    weight = posts["weight"].to_numpy(dtype=float)
    return build_classifier(params).fit(
        prepared.joined(copies),
        posts[list(CATEGORIES)].to_numpy()[rows],
        sample_weight=np.concatenate([weight, weight[copied] * params.model.bare_copies]),
        groups=posts["group"].to_numpy()[rows],
        natural=np.concatenate([posts["measured"].to_numpy(), np.zeros(len(copied), dtype=bool)]),
        fit_features=cache.features if cache else None,
    )


def choose_bands(
    classifier: PostClassifier, train: pd.DataFrame, posts: pd.DataFrame, probability: np.ndarray, params: Params
) -> dict[str, ChosenBand]:
    """Choose the band of each category on the calibration split.

    Parameters
    ----------
    classifier : PostClassifier
        Just fitted: it still knows the out-of-fold probabilities of its training posts.
    train : pandas.DataFrame
        The posts that it was fitted on.
    posts : pandas.DataFrame, n rows
        Held-out ones.
    probability : numpy.ndarray, shape (n, n_categories)
        What the classifier says of them.
    params : Params
    """
    bands = {}
    for column, (category, head) in enumerate(classifier.heads_.items()):
        known = posts[category].notna().to_numpy()
        positive = posts[category].to_numpy()[known] == 1
        natural = train["measured"] & train[category].notna()
        out_of_fold = OutOfFold(head.out_of_fold_[0], head.out_of_fold_[1], train.loc[natural, "slice"].to_numpy())
        bands[category] = choose_band(category, probability[known, column], positive, out_of_fold, params.routing, head.expected_rate)
    return bands


def train(params: Params, project: Path, models: Path, step: Step = lambda name: None) -> TrainingResult:
    """Train a model, write its version to models/, log it to MLflow and promote it if the gates hold.

    Parameters
    ----------
    params : Params
    project : Path
        Folder that source paths and the default MLflow store are relative to.
    models : Path
        The folder models/.
    step : callable
        Called with a few words before each step.

    Returns
    -------
    TrainingResult

    Raises
    ------
    InputError
        If the corpus is malformed or lacks posts of a category.
    """
    started = time.perf_counter()
    tracking.check_store(project)
    cache = FeatureCache(None if params.cache.folder is None else project / params.cache.folder, params.cache.most_mib)
    in_use = _load_current(models, step)
    step("reading the corpus")
    corpus = load_corpus(params.corpus, project, params.seed)
    step(f"segmenting {len(corpus.posts):,} posts")
    prepared = forms(params, corpus.posts["text"], cache)
    posts, calibration, test = (corpus.split(name) for name in (TRAIN, CALIBRATION, TEST))
    step("fitting features and heads")
    with _readable_faults():
        classifier = fit_classifier(params, posts, prepared.take(posts.index.to_numpy()), cache)
    step("choosing bands")
    chosen = choose_bands(classifier, posts, calibration, classifier.predict_proba(prepared.take(calibration.index.to_numpy())), params)
    bands = {category: choice.band for category, choice in chosen.items()}
    step("measuring quality, fairness and what disguises cost")
    probability = classifier.predict_proba(prepared.take(test.index.to_numpy()))
    report = assess(classifier, bands, test, probability, params, disguised=pd.concat([calibration, test]), cache=cache)
    cache.trim()
    report["promises"] = promises_kept(report, chosen, params.model.expected_rate)
    gates = judge(report, _losses(in_use, test, probability), params.gates)
    seconds = time.perf_counter() - started

    metadata = _metadata(params, corpus, project)
    version = _new_version(metadata["corpus_hash"])
    folder = models / version
    step("writing the report")
    write_report(folder / "report", report, bands, gates, test, probability)
    write_card(folder, report, bands, gates, metadata)
    _write_split(folder / SPLIT_FILE, corpus)
    write_reference(folder, reference(classifier, prepared.take(test.index.to_numpy()), test, probability, bands))
    registry.save_model(folder, classifier, bands, metadata)
    step("logging to MLflow")
    tags = {
        "corpus_hash": metadata["corpus_hash"],
        "git_revision": metadata["git_revision"],
        "gates": "passed" if all(g.passed for g in gates) else "failed",
    }
    logged = tracking.log_training(project, params, folder, _flat_metrics(report, gates), tags)
    registry.add_metadata(folder, {"mlflow": logged})

    promoted = in_use is None or all(gate.passed for gate in gates)
    if promoted:
        registry.promote_version(models, version)
        tracking.mark_champion(project, params.tracking, version)
    return TrainingResult(version, folder, report, bands, gates, promoted, in_use is None, corpus.skipped, seconds)


@contextmanager
def _readable_faults() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise InputError(f"corpus: {error}; label more posts or mend corpus.splits in params.yaml") from error


def _load_current(models: Path, step: Step) -> registry.StoredModel | None:
    try:
        return registry.load_model(models) if registry.current_version(models) else None
    except registry.OtherSchemaError:
        step("the model in use was written by an older program and can't be compared with: training as if there were none")
        return None


def _losses(in_use: registry.StoredModel | None, test: pd.DataFrame, probability: np.ndarray) -> dict[str, float] | None:
    """Compare with the model in use on test posts that it was not trained on, or it would be flattered."""
    if in_use is None:
        return None
    fair = ~test["post_id"].isin(_posts_seen(in_use.folder, TRAIN)).to_numpy()
    if not fair.any():
        return dict.fromkeys(CATEGORIES, float("nan"))
    texts = test.loc[fair, "text"].tolist()
    return average_precision_losses(test[fair], probability[fair], in_use.classifier.predict_proba(texts))


def _posts_seen(folder: Path, *splits: str) -> set[str]:
    """Ids of the posts that a stored version used in some of its splits."""
    path = folder / SPLIT_FILE
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        return set(table.loc[table["split"].isin(splits), "post_id"])
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path}: missing or damaged ({type(error).__name__}), so it is unknown what the model has seen; train again") from None


def _write_split(path: Path, corpus: Corpus) -> None:
    corpus.posts[["post_id", "split"]].to_csv(path, index=False, lineterminator="\n")


def _new_version(corpus_hash: str) -> str:
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{corpus_hash[:8]}"


def _metadata(params: Params, corpus: Corpus, project: Path) -> dict[str, Any]:
    from importlib.metadata import version

    counts = corpus.posts.groupby(["source", "split"]).size()
    return {
        "trained_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "git_revision": _git_revision(project),
        "corpus_hash": corpus.content_hash,
        "posts": {f"{source}/{split}": int(count) for (source, split), count in zip(counts.index, counts, strict=True)},
        "params": params.model_dump(mode="json"),
        "max_characters": params.text.max_characters,
        "reasons": params.prediction.reasons,
        "libraries": {name: version(name) for name in ("scikit-learn", "underthesea", "numpy", "pandas", "skops")},
        "python": platform.python_version(),
    }


def _git_revision(project: Path) -> str:
    try:
        answer = subprocess.run(["git", "rev-parse", "HEAD"], cwd=project, capture_output=True, text=True, check=True)
        dirty = subprocess.run(["git", "status", "--porcelain"], cwd=project, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return answer.stdout.strip() + ("-dirty" if dirty else "")


def _flat_metrics(report: dict[str, Any], gates: list[Gate]) -> dict[str, float]:
    """The figures as MLflow wants them: one level, no NaN."""
    flat = {f"gate.{gate.name.replace(' ', '_')}": gate.value for gate in gates}
    for group in ("categories", "slices"):
        for name, figures in report[group].items():
            flat |= {f"{group}.{name}.{key}": entry["value"] for key, entry in figures.items() if isinstance(entry, dict) and "value" in entry}
    flat |= {f"overall.{key}": entry["value"] for key, entry in report["overall"].items()}
    return {key: float(value) for key, value in flat.items() if not np.isnan(value)}


def evaluate_stored(params: Params, project: Path, models: Path, version: str | None) -> tuple[registry.StoredModel, dict[str, Any], list[Gate]]:
    """Measure a stored model on the test posts of the present corpus that neither trained it nor chose its bands.

    Returns
    -------
    stored : StoredModel
    report : dict
        Of `classifier.assessment.assess`.
    gates : list of Gate
        All but those that compare with the model in use.
    """
    stored = registry.load_model(models, version)
    test = load_corpus(params.corpus, project, params.seed).split(TEST)
    test = test[~test["post_id"].isin(_posts_seen(stored.folder, TRAIN, CALIBRATION))]
    if test.empty:
        raise InputError(f"{stored.folder}: has seen every post of the test split; nothing is left to measure it on")
    probability = stored.classifier.predict_proba(test["text"].tolist())
    report = assess(stored.classifier, stored.bands, test, probability, params)
    return stored, report, judge(report, None, params.gates)


def check_labels(params: Params, corpus: Corpus, step: Step = lambda name: None) -> pd.DataFrame:
    """List suspected label errors of the measured sources; see `classifier.corpus.label_check.suspected_errors`."""
    posts = corpus.posts[corpus.posts["measured"]].reset_index(drop=True)
    step(f"segmenting {len(posts):,} posts")
    prepared = forms(params, posts["text"])

    def fit(train_rows: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        step("fitting a fold")
        with _readable_faults():
            classifier = fit_classifier(params, posts.iloc[train_rows], prepared.take(train_rows))
        return lambda rows: classifier.predict_proba(prepared.take(rows))

    return suspected_errors(posts, out_of_fold_probabilities(posts, fit, params.model.folds))
