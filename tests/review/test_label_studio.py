"""Label Studio: tasks out, annotations in as people's answers, every fault with its place, all or nothing."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from sqlalchemy import text

from classifier.errors import InputError
from classifier.review.label_studio import import_tasks, labelling_config, write_tasks
from classifier.review.store import Answer, Database, User, audit, batches, people, records, work
from classifier.review.store.imports import Taken
from classifier.taxonomy import CATEGORIES, SLICES

NOTHING = Taken(0, 0, 0, 0)


def choices(name: str, *values: str) -> dict[str, Any]:
    return {"from_name": name, "to_name": "text", "type": "choices", "value": {"choices": list(values)}}


def result(*categories: str, slice_: str = "", confidence: str = "3", rationale: str = "gọi bạn là đồ ngu") -> list[dict[str, Any]]:
    parts = [choices("categories", *categories), choices("confidence", confidence)]
    if slice_:
        parts.append(choices("slice", slice_))
    if categories != ("none",):
        parts.append({"from_name": "rationale", "to_name": "text", "type": "textarea", "value": {"text": [rationale]}})
    return parts


def annotation(*categories: str, by: Any = 3, **values: str) -> dict[str, Any]:
    return {"id": 1001, "completed_by": by, "was_cancelled": False, "result": result(*categories, **values)}


class Project:
    """A Label Studio project: tasks that were exported to it, annotated and brought back."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.path = database, folder / "tasks.json"

    def fetch(self, **options: bool) -> list[dict[str, Any]]:
        write_tasks(self.database, 50.0, self.path, **options)
        return self.read()

    def read(self) -> list[dict[str, Any]]:
        return json.loads(self.path.read_text(encoding="utf-8"))

    def bring(self, content: Any, accounts: str) -> Taken:
        self.path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        return import_tasks(self.database, 60.0, self.path, accounts)

    def state(self) -> dict[str, tuple[str, int]]:
        """State and answers of each item, by text; the audit log holds each time."""
        with self.database.reading() as connection:
            assert audit.verify(connection).fault is None
            return {row.text: (row.state, row.answers) for row in connection.execute(text("SELECT text, state, answers FROM items"))}

    def answers(self) -> list[dict[str, Any]]:
        with self.database.reading() as connection:
            return records.current_answers(connection).to_dict("records")


@pytest.fixture
def project(database: Database, tmp_path: Path) -> Project:
    return Project(database, tmp_path)


@pytest.fixture
def crew(database: Database) -> tuple[User, User]:
    with database.writing() as connection:
        one, two = (people.add_user(connection, 0.0, name, people.Role.REVIEWER, "hash") for name in ("lan", "minh"))
    return one, two


@pytest.fixture
def take(database: Database) -> Callable[..., Any]:
    """Hands somebody the next post on the page."""

    def step(user: User, now: float = 55.0) -> Any:
        with database.writing() as connection:
            return work.next_item(connection, now, user.id, 600.0, 0.0, 0.5)

    return step


def test_tasks_hold_the_open_items_most_urgent_first_and_nothing_about_people(database, project, queue, new_item, crew, take) -> None:
    with database.writing() as connection:
        batches.add_gold(connection, 0.0, [new_item("bài mẫu")], [frozenset()])
    queue([new_item("sau", rank=1.0), new_item("gọi maskphone", rank=2.0), new_item("đã xong", rank=3.0)])
    with database.writing() as connection:
        work.answer(
            connection, 55.0, crew[0].id, work.next_item(connection, 55.0, crew[0].id, 60.0, 0.0, 0.5).lease_id, Answer(frozenset(), "", 3, ""), False
        )
    tasks = project.fetch()
    assert [task["data"]["text"] for task in tasks] == ["gọi maskphone", "sau"]
    assert all(task["meta"] == {"item": task["data"]["item"], "state": "open"} for task in tasks)
    assert [task["data"]["text"] for task in project.fetch(everything=True)] == ["đã xong", "gọi maskphone", "sau"]
    content = project.path.read_text(encoding="utf-8")
    assert not [word for word in ("lan", "predictions", "bài mẫu") if f'"{word}' in content]


def test_predictions_come_only_where_asked_for_and_answers_given_beside_them_are_not_blind(project, queue, new_item, crew) -> None:
    routes = dict.fromkeys(CATEGORIES, "clear")
    queue([new_item("một", routes=routes | {"insult": "flag", "ethics": "review"}), new_item("hai", routes=routes)])
    tasks = project.fetch(suggestions=True)
    assert [task["predictions"][0]["result"][0]["value"]["choices"] for task in tasks] == [["insult", "ethics"], ["none"]]
    assert [(task["predictions"][0]["model_version"], task["predictions"][0]["score"]) for task in tasks] == [("v1", 0.4), ("v1", 0.4)]
    for task in tasks:
        task["annotations"] = [annotation("none")]
    tasks[1]["predictions"] = []
    assert project.bring(tasks, "lan") == Taken(2, 0, 0, 0)
    assert [answer["first_informed"] for answer in project.answers()] == [True, False]


def test_the_configuration_offers_every_category_and_slice_in_vietnamese(project, queue, new_item) -> None:
    queue([new_item("a")])
    project.fetch()
    written = project.path.with_suffix(".xml").read_text(encoding="utf-8")
    assert written == labelling_config()
    view = ElementTree.fromstring(written)
    offered = {control.get("name"): [choice.get("alias") for choice in control] for control in view.iter("Choices")}
    assert offered == {"categories": [*CATEGORIES, "none"], "slice": list(SLICES), "confidence": ["1", "2", "3"]}
    assert {control.get("toName") for control in view if control.get("toName")} == {view.find("Text").get("name")}
    assert view.find("Text").get("value") == "$text"
    shown = [choice.get("value") for choice in view.iter("Choice")]
    assert len(set(shown)) == len(shown)
    assert "không vi phạm" in shown


def test_an_annotation_is_an_answer_of_the_account(project, queue, new_item, crew) -> None:
    queue([new_item("một"), new_item("hai")])
    one, two = project.fetch()
    one["annotations"] = [annotation("insult", "xúc phạm", "unlawful", rationale="gọi 0951234567 mà chửi")]
    two["annotations"] = [annotation("none", slice_="political", confidence="1")]
    assert project.bring([one, two], "lan") == Taken(2, 0, 0, 0)
    assert project.state() == {"một": ("settled", 1), "hai": ("settled", 1)}
    first, second = project.answers()
    assert (first["categories"], first["confidence"], first["rationale"]) == ("insult;unlawful", 3, "gọi maskphone mà chửi")
    assert (second["categories"], second["slice"], second["confidence"], second["informed"]) == ("", "political", 1, False)


def test_two_annotators_count_as_two_people_even_where_one_was_planned(project, queue, new_item, crew) -> None:
    queue([new_item("khác nhau"), new_item("như nhau", needed=2), new_item("một nửa", needed=2)])
    tasks = project.fetch()
    people_of = {"id": 5, "email": "minh@truong.example", "first_name": "Minh"}
    for task, labels in zip(tasks, (("insult", "none"), ("none", "none"), ("insult",)), strict=True):
        task["annotations"] = [annotation(label, by=by) for label, by in zip(labels, (3, people_of), strict=False)]
    with pytest.raises(InputError, match=r"annotations of 2 people \(completed_by\).*3=NAME,5=NAME"):
        project.bring(tasks, "lan")
    with pytest.raises(InputError, match="completed_by is 5 somewhere"):
        project.bring(tasks, "3=lan")
    assert project.bring(tasks, "3=lan, 5=minh") == Taken(5, 0, 0, 0)
    assert project.state() == {"khác nhau": ("disputed", 2), "như nhau": ("settled", 2), "một nửa": ("open", 1)}


def test_the_same_file_again_adds_nothing(project, queue, new_item, crew, database) -> None:
    queue([new_item("một", needed=2), new_item("hai")])
    tasks = project.fetch()
    for task in tasks:
        task["annotations"] = [annotation("insult", by=3), annotation("ethics", by=5)]
    project.bring(tasks, "3=lan,5=minh")
    before = project.state(), project.answers()
    with database.reading() as connection:
        entries = audit.verify(connection)
    assert project.bring(tasks, "3=lan,5=minh") == Taken(0, 0, 4, 0)
    with database.reading() as connection:
        assert audit.verify(connection) == entries
    assert (project.state(), project.answers()) == before


def test_another_annotation_of_the_same_person_is_a_changed_mind_once(project, queue, new_item, crew) -> None:
    queue([new_item("một")])
    tasks = project.fetch()
    outcomes = []
    for label in ("insult", "none", "ethics"):
        tasks[0]["annotations"] = [annotation(label)]
        outcomes.append(project.bring(tasks, "lan"))
    assert outcomes == [Taken(1, 0, 0, 0), Taken(0, 1, 0, 0), Taken(0, 0, 1, 0)]
    (answer,) = project.answers()
    assert (answer["first"], answer["categories"]) == ("insult", "")


def test_what_was_decided_on_the_page_in_the_meantime_stays(project, queue, new_item, crew, take, database) -> None:
    queue([new_item("một")])
    tasks = project.fetch()
    lease = take(crew[1])
    with database.writing() as connection:
        work.answer(connection, 56.0, crew[1].id, lease.lease_id, Answer(frozenset(), "", 3, ""), False)
    tasks[0]["annotations"] = [annotation("insult")]
    assert project.bring(tasks, "lan") == Taken(0, 0, 0, 1)
    assert project.state() == {"một": ("settled", 1)}


def test_whoever_has_the_post_open_on_the_page_is_neither_cut_off_nor_asked_twice(project, queue, new_item, crew, take, database) -> None:
    queue([new_item("một")])
    tasks = project.fetch()
    lease = take(crew[0])
    tasks[0]["annotations"] = [annotation("none", by=5)]
    assert project.bring(tasks, "minh") == Taken(1, 0, 0, 0)
    assert project.state() == {"một": ("open", 1)}
    tasks[0]["annotations"] = [annotation("insult", by=3)]
    assert project.bring(tasks, "lan") == Taken(1, 0, 0, 0)
    assert project.state() == {"một": ("disputed", 2)}
    assert take(crew[0], now=61.0) is None
    with database.reading() as connection, pytest.raises(Exception, match="was given before"):
        work.assignment(connection, 61.0, crew[0].id, lease.lease_id)


def test_tasks_without_annotations_and_cancelled_ones_are_passed_over(project, queue, new_item, crew) -> None:
    queue([new_item("một"), new_item("hai")])
    tasks = project.fetch()
    tasks[0]["annotations"] = [{**annotation("insult"), "was_cancelled": True}, {"was_cancelled": True, "result": []}]
    assert project.bring(tasks, "lan") == NOTHING
    assert project.bring([], "lan") == NOTHING
    assert {state for state, _ in project.state().values()} == {"open"}


FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"annotations": {}}, "[1]: annotations is an object; it must be a list"),
    ({"annotations": [7]}, "[1].annotations[0]: an annotation is an object, this is a number"),
    ({"annotations": [{**annotation("none"), "completed_by": "minh@truong.example"}]}, "[1].annotations[0]: completed_by is a text"),
    ({"annotations": [{"result": "none"}]}, "[1].annotations[0]: result is a text; it must be a list"),
    ({"annotations": [annotation("none"), {"result": []}]}, "[1].annotations[1]: categories are not given"),
    ({"annotations": [annotation("insult", "none")]}, "[1].annotations[0]: none beside insult"),
    ({"annotations": [annotation("rude")]}, "[1].annotations[0].result[0]: 'rude' is no choice of categories; there are insult, "),
    ({"annotations": [annotation("none", confidence="9")]}, "[1].annotations[0].result[1]: '9' is no choice of confidence"),
    ({"annotations": [annotation("insult", rationale=" ")]}, "[1].annotations[0]: a violation needs a rationale"),
    ({"annotations": [annotation("insult", slice_="help")]}, "[1].annotations[0]: slice is the one reason for no violation"),
    ({"annotations": [{"result": [choices("categories", "none")]}]}, "[1].annotations[0]: confidence must be given once"),
    (
        {"annotations": [{"result": [choices("label", "none")]}]},
        "[1].annotations[0].result[0]: from_name is 'label'; the labelling configuration has",
    ),
    ({"annotations": [{"result": [7]}]}, "[1].annotations[0].result[0]: from_name is missing"),
    ({"annotations": [{"result": [{"from_name": "slice", "value": {"choices": [1]}}]}]}, "result[0]: value.choices of slice must be a list of texts"),
    ({"annotations": [{"result": [choices("categories", "none")] * 2}]}, "[1].annotations[0].result[1]: categories is given twice"),
    ({"data": "bài"}, "[1]: is no task with data; export it from Label Studio as JSON (not JSON-MIN or CSV)"),
    ({"data": {"text": "hai"}, "meta": {}}, "[1]: data.item is missing"),
    ({"data": {"text": "hai", "item": "2"}}, "[1]: data.item is a text"),
    ({"data": {"text": "hai", "item": 10**30}}, f"[1].annotations[0]: item {10**30} is not up for review here"),
    ({"data": {"text": "hai", "item": 3}}, "[1].annotations[0]: item 3 is not up for review here"),  # a gold item
    ({"data": {"text": "bài khác", "item": 2}}, "[1].annotations[0]: data.text is not the text of item 2"),
    ({"data": {"text": "một", "item": 1}}, "[1].annotations[0]: the same person's annotation of item 1 stands at [0].annotations[0] already"),
]


@pytest.mark.parametrize(("change", "message"), FAULTS)
def test_a_fault_is_named_with_its_place_and_nothing_is_imported(database, project, queue, new_item, crew, change, message) -> None:
    queue([new_item("một"), new_item("hai")])
    with database.writing() as connection:
        batches.add_gold(connection, 0.0, [new_item("hai")], [frozenset()])
    tasks = [{"data": {"text": text_, "item": item}, "annotations": [annotation("none")]} for item, text_ in enumerate(("một", "hai"), 1)]
    tasks[1] |= change
    with pytest.raises(InputError) as error:
        project.bring(tasks, "lan")
    assert message in str(error.value)
    assert "nothing was imported" in str(error.value)
    assert {state for state, _ in project.state().values()} == {"open", "gold"}
    assert project.answers() == []


def test_all_faults_are_listed_at_once_without_quoting_a_post(project, queue, new_item, crew) -> None:
    queue([new_item("câu chuyện riêng tư")])
    (task,) = project.fetch()
    task["annotations"] = [annotation("rude", confidence="9"), annotation("insult", rationale=""), annotation("none")]
    with pytest.raises(InputError) as error:
        project.bring([task, {"text": "câu chuyện riêng tư"}, {**task, "data": {**task["data"], "text": "câu chuyện riêng tư khác"}}], "lan")
    lines = str(error.value).splitlines()
    assert [line.split(": ")[0].strip() for line in lines[1:]] == [
        "[0].annotations[0].result[0]",
        "[0].annotations[0].result[1]",
        "[0].annotations[1]",
        "[1]",
        "[2].annotations[0].result[0]",
        "[2].annotations[0].result[1]",
        "[2].annotations[1]",
        "[2].annotations[2]",  # the same person's again
        "[2].annotations[2]",  # of another text
    ]
    assert "riêng tư" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[{]", "is not JSON in UTF-8 (line 1, column 3)"),
        (b"\xff\xfe[]", "is not JSON in UTF-8 (UnicodeDecodeError)"),
        (b"[" * 100_000, "is not JSON in UTF-8"),
        (b'{"data": {}}', "needs a list of tasks, has an object"),
        (b"", "is not JSON in UTF-8"),
    ],
)
def test_a_file_that_is_no_export_is_refused(project, content, message) -> None:
    project.path.write_bytes(content)
    with pytest.raises(InputError) as error:
        import_tasks(project.database, 60.0, project.path, "lan")
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("accounts", "message"),
    [
        ("ghost", "account 'ghost': there is none, or it is closed"),
        ("3=lan,3=minh", "must be one name, or name each annotator's account once"),
        ("3=", "must be one name, or name each annotator's account once"),
        ("x=lan", "must be one name, or name each annotator's account once"),
        ("4=lan", "completed_by is 3 somewhere"),
    ],
)
def test_an_annotator_needs_an_account(project, queue, new_item, crew, accounts, message) -> None:
    queue([new_item("một")])
    (task,) = project.fetch()
    task["annotations"] = [annotation("none")]
    with pytest.raises(InputError) as error:
        project.bring([task], accounts)
    assert message in str(error.value)
    assert project.answers() == []


def test_a_fault_in_the_middle_of_writing_leaves_nothing(project, queue, new_item, crew, monkeypatch) -> None:
    queue([new_item("một"), new_item("hai")])
    tasks = project.fetch()
    for task in tasks:
        task["annotations"] = [annotation("none")]
    true, calls = work.answer, []

    def fail(*arguments: Any) -> int:
        calls.append(arguments)
        if len(calls) == 2:
            raise RuntimeError("the power is gone")
        return true(*arguments)

    monkeypatch.setattr(work, "answer", fail)
    with pytest.raises(RuntimeError):
        project.bring(tasks, "lan")
    assert project.state() == {"một": ("open", 0), "hai": ("open", 0)}
    assert project.answers() == []


@pytest.mark.parametrize("name", ["tasks.csv", "nowhere/tasks.json"])
def test_tasks_that_cannot_be_written_leave_nothing(database, tmp_path, name) -> None:
    with pytest.raises(InputError):
        write_tasks(database, 50.0, tmp_path / name)
    assert not [path for path in tmp_path.iterdir() if path.suffix != ".db" and not path.name.startswith("review.db")]
