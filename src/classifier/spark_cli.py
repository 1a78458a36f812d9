"""The command that scores with Spark; parses and calls, no logic."""

from typing import Annotated

import typer

from classifier.commands import PARAMS, ModelsOption, ParamsOption, VersionOption, command, models_folder, new_console

spark_app = typer.Typer()


@command(
    spark_app,
    "classifier score-spark posts/ scored/",
    "classifier score-spark s3a://school/posts s3a://school/scored --master spark://head:7077 --partitions 400",
    name="score-spark",
)
def score_spark(
    source: Annotated[str, typer.Argument(metavar="IN", help="Folder of parquet files, or an address that Spark reads.")],
    out: Annotated[str, typer.Argument(metavar="OUT", help="Folder of parquet files to make.")],
    text_column: Annotated[str, typer.Option("--text-column", help="Column that holds the posts.")] = "text",
    partitions: Annotated[int | None, typer.Option("--partitions", min=1, help="Parts to cut the rows into: tasks, and files.")] = None,
    master: Annotated[str, typer.Option("--master", help="Spark's master: cores of this machine, or a cluster.")] = "local[*]",
    params: ParamsOption = PARAMS,
    models: ModelsOption = None,
    version: VersionOption = None,
) -> None:
    """Sort a folder of posts with Spark, by the registered model; rows may change their order."""
    from classifier.params import load_params
    from classifier.spark import named_or_current, score_folder
    from classifier.summary import print_summary, progress

    loaded, console = load_params(params), new_console(stderr=True)
    version = named_or_current(models_folder(models, params), version)
    with progress(console) as advance:
        summary = score_folder(loaded, params.parent, version, source, out, text_column, partitions, master, advance)
    print_summary(console, summary, out, version)
