"""The commands of the review: its page, its people, what goes in and what comes out; they parse and call, no logic."""

import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from classifier.commands import PARAMS, ModelsOption, ParamsOption, VersionOption, command, models_folder, new_console, open_store
from classifier.errors import InputError

if TYPE_CHECKING:
    from classifier.params import Params
    from classifier.review.store.database import Database

_REVIEWED = "reviewed"

review_app = typer.Typer(no_args_is_help=True, help="People decide: the page, accounts, gold posts, export, figures.")
StdinOption = Annotated[bool, typer.Option("--password-stdin", help="Read the password from stdin instead of asking for it.")]


@command(review_app, "classifier review serve", "classifier review serve --host 0.0.0.0 --port 8080")
def serve(
    host: Annotated[str, typer.Option("--host", help="Address to listen on; before any but this machine belongs a proxy with https.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port to listen on.")] = 8000,
    params: ParamsOption = PARAMS,
    models: ModelsOption = None,
) -> None:
    """Serve the review page until interrupted."""
    import uvicorn

    from classifier.params import load_params
    from classifier.review.store import people
    from classifier.review.web.app import build_app

    loaded, console = load_params(params), new_console(stderr=True)
    with open_store(loaded, params.parent) as database:
        with database.reading() as connection:
            if not people.list_users(connection):
                console.print("Chưa có tài khoản nào; tạo bằng: classifier review add-user TÊN --role reviewer", markup=False)
        app = build_app(database, models_folder(models, params), params.parent, loaded)
        config = uvicorn.Config(app, host=host, port=port, log_level="warning", server_header=False)
        try:
            listening = config.bind_socket()
        except SystemExit:  # uvicorn has logged the reason
            raise InputError(f"--host {host} --port {port}: can't listen there; choose another port or address") from None
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else a page waits 40 ms for the browser to confirm its first half
        console.print(f"Trang duyệt bài: http://{host}:{port} · Ctrl+C để dừng", highlight=False)
        uvicorn.Server(config).run(sockets=[listening])


@command(
    review_app,
    "classifier review add-user lan --role reviewer",
    "cat password.txt | classifier review add-user minh --role adjudicator --password-stdin",
    name="add-user",
)
def add_user(
    name: Annotated[str, typer.Argument(help="Letters, digits or . _ - @")],
    role: Annotated[str, typer.Option("--role", help="reviewer, adjudicator, moderator or admin.")],
    password_stdin: StdinOption = False,
    params: ParamsOption = PARAMS,
) -> None:
    """Open an account for the review page; its password is asked for."""
    from classifier.params import load_params
    from classifier.review.passwords import hash_password
    from classifier.review.store import people

    if role not in tuple(people.Role):
        raise InputError(f"--role {role!r} is unknown; use one of {', '.join(people.Role)}")
    loaded = load_params(params)
    with open_store(loaded, params.parent) as database:
        hashed = hash_password(_password(password_stdin))
        with database.writing() as connection:
            user = people.add_user(connection, time.time(), name, people.Role(role), hashed)
    new_console().print(f"Account {user.name} ({user.role}) is open.", markup=False, highlight=False)


@command(review_app, "classifier review set-password lan", name="set-password")
def set_password(
    name: Annotated[str, typer.Argument(help="An account.")], password_stdin: StdinOption = False, params: ParamsOption = PARAMS
) -> None:
    """Give an account a new password; whoever is logged in with it no longer is."""
    from classifier.params import load_params
    from classifier.review.passwords import hash_password
    from classifier.review.store import people

    with open_store(load_params(params), params.parent) as database:
        user = _account(database, name)
        hashed = hash_password(_password(password_stdin))
        with database.writing() as connection:
            people.set_password(connection, time.time(), user, hashed)
            people.forget_failures(connection, name)
    new_console().print(f"Account {name} has a new password.", markup=False, highlight=False)


@command(review_app, "classifier review close-user lan", name="close-user")
def close_user(name: Annotated[str, typer.Argument(help="An account.")], params: ParamsOption = PARAMS) -> None:
    """Close an account; its decisions stay."""
    from classifier.params import load_params
    from classifier.review.store import people

    with open_store(load_params(params), params.parent) as database:
        user = _account(database, name)
        with database.writing() as connection:
            people.deactivate(connection, time.time(), user)
    new_console().print(f"Account {name} is closed.", markup=False, highlight=False)


@command(review_app, "classifier review users")
def users(params: ParamsOption = PARAMS) -> None:
    """List accounts and their roles."""
    from classifier.params import load_params
    from classifier.review.store import people
    from classifier.review_summary import users_table

    with open_store(load_params(params), params.parent) as database, database.reading() as connection:
        new_console().print(users_table(people.list_users(connection)))


@command(review_app, "classifier review add-token web-form", name="add-token")
def add_token(label: Annotated[str, typer.Argument(help="What the program that will use it is called.")], params: ParamsOption = PARAMS) -> None:
    """Make a token for POST /api/score; it is shown once and kept nowhere."""
    import secrets

    from classifier.params import load_params
    from classifier.review.store import people
    from classifier.review.web.security import digest

    token = secrets.token_urlsafe(32)
    with open_store(load_params(params), params.parent) as database, database.writing() as connection:
        people.add_token(connection, time.time(), label, digest(token))
    new_console(stderr=True).print("Send it as 'Authorization: Bearer TOKEN'. It is not shown again:", markup=False, highlight=False)
    typer.echo(token)


@command(review_app, "classifier review revoke-token web-form", name="revoke-token")
def revoke_token(label: Annotated[str, typer.Argument(help="What it was made for.")], params: ParamsOption = PARAMS) -> None:
    """Let a token in no more."""
    from classifier.params import load_params
    from classifier.review.store import people

    with open_store(load_params(params), params.parent) as database, database.writing() as connection:
        people.revoke_token(connection, time.time(), label)
    new_console().print(f"The token {label} is revoked.", markup=False, highlight=False)


@command(review_app, "classifier review gold gold.csv")
def gold(
    source: Annotated[str, typer.Argument(metavar="FILE", help="Posts with `text` and 1 or 0 for each category; csv, tsv, jsonl, parquet or xlsx.")],
    params: ParamsOption = PARAMS,
    models: ModelsOption = None,
    version: VersionOption = None,
) -> None:
    """Add posts with known answers, which are mixed in for the reviewers' own feedback."""
    from classifier.params import load_params
    from classifier.prediction import Moderator
    from classifier.review.gold import gold_items, read_gold
    from classifier.review.store import batches

    loaded = load_params(params)
    posts = read_gold(source)
    items, known = gold_items(posts, Moderator.load(models_folder(models, params), version))
    with open_store(loaded, params.parent) as database, database.writing() as connection:
        added = batches.add_gold(connection, time.time(), items, known)
    new_console().print(f"{added:,} gold posts added; {len(posts) - added:,} were in the store already.", highlight=False)


@command(review_app, "classifier review export", "classifier review export --label-studio tasks.json")
def export(
    label_studio: Annotated[Path | None, typer.Option("--label-studio", help="Write open posts as tasks for Label Studio here instead.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="For Label Studio: decided posts, too.")] = False,
    suggestions: Annotated[bool, typer.Option("--suggestions", help="For Label Studio: with the model's view; answers are not blind then.")] = False,
    params: ParamsOption = PARAMS,
) -> None:
    """Write what was decided as labelled posts for the next training, without anybody's name; or tasks for Label Studio."""
    from classifier.params import load_params
    from classifier.review.export import write_reviewed
    from classifier.review.label_studio import write_tasks
    from classifier.review_summary import print_exported

    loaded, console = load_params(params), new_console()
    if label_studio is None and (everything or suggestions):
        raise InputError("--all and --suggestions belong to --label-studio FILE; add it or leave them out")
    with open_store(loaded, params.parent) as database:
        if label_studio is None:
            print_exported(console, write_reviewed(database, time.time(), _reviewed_folder(loaded, params.parent), loaded.review))
        else:
            tasks = write_tasks(database, time.time(), label_studio, everything, suggestions)
            setting = label_studio.with_suffix(".xml")
            console.print(f"{tasks:,} tasks: {label_studio}; labelling configuration of the project: {setting}", highlight=False, markup=False)


@command(
    review_app,
    "classifier review import annotated.json --accounts lan",
    "classifier review import annotated.json --accounts 3=lan,5=minh",
    name="import",
)
def import_(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="Label Studio's JSON export of tasks that were made here.")],
    accounts: Annotated[str, typer.Option("--accounts", help="Whose annotations these are: an account, or number in completed_by = account.")],
    params: ParamsOption = PARAMS,
) -> None:
    """Take in what was annotated in Label Studio, as these people's answers; the same file again adds nothing."""
    from classifier.params import load_params
    from classifier.review.label_studio import import_tasks

    with open_store(load_params(params), params.parent) as database:
        taken = import_tasks(database, time.time(), source, accounts)
    told = f"{taken.added:,} answers added, {taken.changed:,} changed, {taken.known:,} known before, {taken.late:,} came too late"
    new_console().print(told, highlight=False)


@command(review_app, "classifier review stats")
def stats(params: ParamsOption = PARAMS) -> None:
    """Show the queue, how far people agree, the model against people, and what slips through as clear."""
    from classifier.params import load_params
    from classifier.review.store import records
    from classifier.review_summary import print_stats

    with open_store(load_params(params), params.parent) as database, database.reading() as connection:
        waiting, answers = records.queue_state(connection, time.time()), records.current_answers(connection)
        print_stats(new_console(), waiting, answers, records.settled_items(connection), records.decisions_by_day(connection))


@command(review_app, "classifier review verify", "classifier review verify --head 5f1c…")
def verify(
    head: Annotated[str | None, typer.Option("--head", help="What an earlier run printed: then an end cut off is noticed, too.")] = None,
    params: ParamsOption = PARAMS,
) -> int:
    """Check the chained audit log and every decision against it; exit code 1 if something was changed, removed or slipped in."""
    from classifier.params import load_params
    from classifier.review.store import audit

    with open_store(load_params(params), params.parent) as database, database.reading() as connection:
        found = audit.verify(connection, head)
    console = new_console()
    if found.fault:
        console.print(f"[bold red]Fault:[/bold red] {found.fault}; the {found.entries:,} entries before it hold", highlight=False)
        return 1
    console.print(f"All {found.entries:,} entries hold. Head, to be noted elsewhere: {found.head}", highlight=False)
    return 0


def _reviewed_folder(params: "Params", project: Path) -> Path:
    for source in params.corpus.sources:
        if source.name == _REVIEWED:
            return project / source.path
    raise InputError(f"params.yaml: corpus.sources has no source {_REVIEWED!r}, so training would not read the export; add it")


def _account(database: "Database", name: str) -> int:
    from classifier.review.store import people

    with database.reading() as connection:
        found = people.find_user(connection, name)
    if found is None:
        raise InputError(f"account {name[:64]!r}: there is none, or it is closed; classifier review users lists them")
    return found[0].id


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return (sys.stdin.readline() if sys.stdin else "").rstrip("\r\n")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
