"""The command line: one sub-command for each job; parses and calls, no logic."""

import os
import signal
import sys
import time
import warnings
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from classifier.commands import (
    PARAMS,
    ModelsOption,
    ParamsOption,
    VersionOption,
    command,
    models_folder,
    new_console,
    open_store,
    overruled_in_store,
    starting,
)
from classifier.errors import InputError
from classifier.review_cli import review_app
from classifier.spark_cli import spark_app

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Sort Vietnamese posts into clear, review and flag, so that people can decide on them.",
)
corpus_app = typer.Typer(no_args_is_help=True, help="Labelled posts: check, count, import public corpora.")
models_app = typer.Typer(no_args_is_help=True, help="Trained versions: list, show, put into use.")
app.add_typer(corpus_app, name="corpus")
app.add_typer(models_app, name="models")
app.add_typer(review_app, name="review")
app.add_typer(spark_app)


@command(app, "classifier train", "classifier train --params other/params.yaml")
def train(params: ParamsOption = PARAMS, models: ModelsOption = None) -> int:
    """Train a model on the corpus, report on it, log it to MLflow, and put it into use if the gates hold (exit code 1 if not)."""
    from classifier.params import load_params
    from classifier.report import print_report
    from classifier.training import train as run

    loaded, console = load_params(params), new_console()
    result = run(loaded, params.parent, models_folder(models, params), step=lambda name: console.print(f"[dim]·[/dim] {name} …"))
    for line in result.skipped:
        console.print(f"[yellow]source {line}[/yellow]")
    print_report(console, result.report, result.bands, result.gates)
    console.print(f"Trained in {result.seconds:.0f} s. Report: {result.folder / 'report'}")
    if not result.promoted:
        console.print(f"[bold red]Not promoted:[/bold red] version {result.version} fails a gate; the model in use stays.")
        return 1
    failed = sum(not gate.passed for gate in result.gates)
    note = f" (the first one, although {failed} gates fail: see the table)" if result.first and failed else ""
    console.print(f"[bold green]Promoted:[/bold green] version {result.version} is now in use{note}.")
    return 0


@command(
    app,
    "classifier score posts.xlsx --out scored.xlsx",
    "classifier score comments.csv --text-column content --out scored.parquet",
    "cat posts.csv | classifier score - --out - > scored.csv",
    "classifier score posts.csv --out scored.csv --queue",
    "classifier score million.parquet --out scored.parquet --resume",
)
def score(
    source: Annotated[str, typer.Argument(metavar="IN", help="csv, tsv, jsonl, parquet or xlsx; - for csv on stdin.")],
    out: Annotated[str, typer.Option("--out", help="File to write, of any of these formats; - for csv on stdout.")],
    text_column: Annotated[str, typer.Option("--text-column", help="Column that holds the posts.")] = "text",
    params: ParamsOption = PARAMS,
    models: ModelsOption = None,
    version: VersionOption = None,
    processes: Annotated[int | None, typer.Option("--processes", help="Worker processes; -1 is one a core; params decide by default.")] = None,
    queue: Annotated[bool, typer.Option("--queue", help="Also put what people are to see into the review queue.")] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Keep finished chunks in OUT.partial/ while it runs; the same command again goes on where it stopped.")
    ] = False,
) -> None:
    """Sort a batch of posts into clear, review and flag; all its rows and columns are kept, in order."""
    with starting():
        from classifier.params import load_params
        from classifier.prediction import Moderator, score_file
        from classifier.summary import print_summary, progress

        loaded = load_params(params)
        settings = loaded.prediction
        processes = settings.processes if processes is None else processes
        if processes == 0 or processes < -1:
            raise InputError(f"--processes {processes} is not allowed; use 1 or more, or -1 for one a core")
        console = new_console(stderr=True)
        moderator = Moderator.load(models_folder(models, params), version)
    with ExitStack() as stack:
        observing = {}
        if queue:
            from classifier.review.intake import Intake
            from classifier.review_summary import print_queued

            database, intake = stack.enter_context(open_store(loaded, params.parent)), Intake(loaded)
            observing["observe"] = intake.observer(text_column)
        with progress(console) as advance:
            summary = score_file(moderator, source, out, text_column, settings.chunk_size, processes, advance, resume=resume, **observing)
        print_summary(console, summary, out, moderator.version)
        if queue:
            print_queued(console, intake.queue(database, time.time(), Path(source).name))


@command(app, 'classifier explain "đồ ngu, cút khỏi lớp này đi"')
def explain(
    text: Annotated[str, typer.Argument(help="A post.")],
    params: ParamsOption = PARAMS,
    models: ModelsOption = None,
    version: VersionOption = None,
) -> None:
    """Show a post as typed, personal data masked, with what each word weighed for and against each category."""
    with starting():
        from classifier.prediction import Moderator
        from classifier.summary import print_explanation

        moderator = Moderator.load(models_folder(models, params), version)
    scored, attribution = moderator.explain(text)
    print_explanation(new_console(), text, scored, attribution, moderator.log_odds_without_words())


@command(app, "classifier evaluate", "classifier evaluate --version 20261124-081500-1a2b3c4d")
def evaluate(params: ParamsOption = PARAMS, models: ModelsOption = None, version: VersionOption = None) -> int:
    """Measure a stored model again on the test split of the present corpus; exit code 1 if a gate does not hold."""
    from classifier.params import load_params
    from classifier.report import print_report
    from classifier.training import evaluate_stored

    stored, report, gates = evaluate_stored(load_params(params), params.parent, models_folder(models, params), version)
    print_report(new_console(), report, stored.bands, gates)
    return 0 if all(gate.passed for gate in gates) else 1


@command(app, "classifier monitor posts.csv", "classifier monitor comments.xlsx --text-column content")
def monitor(
    source: Annotated[str, typer.Argument(metavar="BATCH", help="csv, tsv, jsonl, parquet or xlsx; - for csv on stdin.")],
    text_column: Annotated[str, typer.Option("--text-column", help="Column that holds the posts.")] = "text",
    params: ParamsOption = PARAMS,
    models: ModelsOption = None,
    version: VersionOption = None,
) -> int:
    """Compare a batch, and people's decisions so far, with what the model was measured on; exit code 1 if they have drifted."""
    from classifier.distributions import observe, read_reference
    from classifier.monitoring import compare
    from classifier.params import load_params
    from classifier.registry import load_model
    from classifier.review_summary import drift_table
    from classifier.summary import progress

    loaded, console = load_params(params), new_console()
    stored = load_model(models_folder(models, params), version)
    reference = read_reference(stored.folder)
    with progress(new_console(stderr=True)) as advance:
        batch = observe(stored, source, text_column, loaded.prediction.chunk_size, advance)
    drifts = compare(reference, batch, loaded.monitoring, overruled_in_store(loaded, params.parent, stored.version))
    console.print(drift_table(drifts))
    return 1 if any(drift.drifted for drift in drifts) else 0


@command(corpus_app, "classifier corpus check", "classifier corpus check --labels --out suspects.csv")
def check(
    params: ParamsOption = PARAMS,
    labels: Annotated[bool, typer.Option("--labels", help="Also list suspected label errors (fits the model several times).")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="csv for the suspected errors: ids and figures, no texts.")] = None,
) -> None:
    """Read and validate all sources; every fault is listed with file and row."""
    from classifier.corpus import load_corpus
    from classifier.params import load_params
    from classifier.summary import print_suspects
    from classifier.training import check_labels

    loaded, console = load_params(params), new_console()
    if out is not None and not os.access(out.parent, os.W_OK):
        raise InputError(f"{out}: its folder does not exist or may not be written to; choose another")
    corpus = load_corpus(loaded.corpus, params.parent, loaded.seed)
    for line in corpus.skipped:
        console.print(f"[yellow]source {line}[/yellow]")
    sources, groups = corpus.posts["source"].nunique(), corpus.posts["group"].nunique()
    console.print(f"{len(corpus.posts):,} posts of {sources} source(s), {groups:,} groups: no faults")
    if labels:
        print_suspects(console, check_labels(loaded, corpus, lambda name: console.print(f"[dim]·[/dim] {name} …")), out)


@command(corpus_app, "classifier corpus stats")
def stats(params: ParamsOption = PARAMS) -> None:
    """Count posts by source, category, slice, register and split."""
    from classifier.corpus import load_corpus
    from classifier.corpus.composition import composition_tables
    from classifier.params import load_params

    loaded, console = load_params(params), new_console()
    for table in composition_tables(load_corpus(loaded.corpus, params.parent, loaded.seed).posts):
        console.print(table)


@command(corpus_app, "classifier corpus import vihsd --from ~/corpora/vihsd", "classifier corpus import vsfc", name="import")
def import_(
    name: Annotated[str, typer.Argument(help="A known public corpus: vihsd, victsd or vsfc.")],
    origin: Annotated[
        Path | None, typer.Option("--from", help="Folder that holds it as its authors publish it; fetched from the hub if absent.")
    ] = None,
    params: ParamsOption = PARAMS,
) -> None:
    """Bring a public corpus below data/external/, which git ignores; shows its licence and citation."""
    from classifier.corpus.sources import download_source, import_source
    from classifier.params import load_params

    loaded, console = load_params(params), new_console()
    target = params.parent / next((s.path for s in loaded.corpus.sources if s.adapter == name), f"data/external/{name}")
    adapter = download_source(name, target) if origin is None else import_source(name, origin, target)
    console.print(f"Imported {name} into {target}: {adapter.about}")
    console.print(f"Licence: {adapter.licence}\nCite: {adapter.citation}", highlight=False)


@command(models_app, "classifier models list", name="list")
def list_(params: ParamsOption = PARAMS, models: ModelsOption = None) -> None:
    """List trained versions with their main figures; the one in use is marked."""
    from classifier.summary import versions_table

    new_console().print(versions_table(models_folder(models, params)))


@command(models_app, "classifier models show", "classifier models show 20261124-081500-1a2b3c4d")
def show(
    version: Annotated[str | None, typer.Argument(help="A trained version; the one in use by default.")] = None,
    params: ParamsOption = PARAMS,
    models: ModelsOption = None,
) -> None:
    """Show a version's report and where it came from."""
    from classifier.summary import print_version

    print_version(new_console(), models_folder(models, params), version)


@command(models_app, "classifier models promote 20261124-081500-1a2b3c4d")
def promote(
    version: Annotated[str, typer.Argument(help="The version to use from now on; an older one rolls back.")],
    params: ParamsOption = PARAMS,
    models: ModelsOption = None,
) -> None:
    """Put a version into use."""
    from classifier.params import load_params
    from classifier.registry import promote_version
    from classifier.tracking import mark_champion

    tracking = load_params(params).tracking
    promote_version(models_folder(models, params), version)
    try:
        marked = mark_champion(params.parent, tracking, version)
        note = "" if marked else " (the MLflow store in use does not know this version, so its alias `champion` stays)"
    except InputError as error:
        note = f" (its alias `champion` was not moved: {error})"
    new_console().print(f"Version {version} is now in use{note}.", markup=False)


def main() -> None:
    """Run the command line; a wrong call ends, like other bad input, with one line and exit code 2."""
    sys.unraisablehook = _raise_again
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)  # pandera imports it where it is installed
    try:
        code = app(standalone_mode=False)
    except typer.Abort:
        code = 128 + signal.SIGINT
    except Exception as error:  # the usage errors of typer, whose classes it does not export
        if not hasattr(error, "format_message"):
            raise
        if type(error).__name__ == "NoArgsIsHelpError":
            error.show()  # type: ignore[attr-defined]
        else:
            typer.echo(f"error: {' '.join(error.format_message().split()).rstrip('.')}; add --help to see how", err=True)
        code = 2
    sys.exit(code)


def _raise_again(lost: Any) -> None:
    """Let an interruption that fell into the end of some object, where Python drops it, come once more a moment later."""
    if not issubclass(lost.exc_type, (KeyboardInterrupt, SystemExit)):
        sys.__unraisablehook__(lost)
        return
    error = lost.exc_value

    def come(number: int, frame: object) -> None:
        raise error

    signal.signal(signal.SIGALRM, come)
    signal.setitimer(signal.ITIMER_REAL, 0.05)


def _stop(number: int, frame: object) -> None:
    """End like an interrupted command, so that partial files and workers are cleaned away."""
    raise SystemExit(128 + number)
