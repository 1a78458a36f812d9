"""Simulated reviewers who work over HTTP as a browser does, at once, and note what the server acknowledged and how long it took."""

import random
import re
import threading
import time
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import unescape

import httpx2
from live_server import PASSWORD, LiveServer
from sqlalchemy import text

from classifier.review.store import Database, audit

DISAGREES, TWICE, UNDOES, SKIPS, LOOKS_AT_LOGIN = 0.1, 0.02, 0.02, 0.02, 0.1
"""Shares of the posts with which a reviewer thinks otherwise, sends the answer twice, takes it back, puts the post aside; asks for the empty page."""
_PLANNED = text("""
    SELECT items.id, items.needed, items.answers, items.state, count(decisions.id) AS given, count(DISTINCT decisions.user_id) AS people
    FROM items
    LEFT JOIN leases ON leases.item_id = items.id AND leases.outcome = 'answered'
    LEFT JOIN decisions ON decisions.lease_id = leases.id AND decisions.kind = 'answer'
    WHERE items.state <> 'gold' GROUP BY items.id ORDER BY items.id""")
_ANSWERED = text("SELECT lease_id FROM decisions WHERE kind = 'answer'")
_KINDS = text("SELECT kind, count(*) AS number FROM decisions GROUP BY kind")


@dataclass
class Noted:
    """What the reviewers have seen so far.

    Attributes
    ----------
    acknowledged : set of int
        Leases of the answers that the server said it keeps.
    refused : list of int
        Leases of the answers that it said it has already.
    undone : list of int
        Leases of the answers that it said are taken back.
    broken : list of str
        Requests whose answer never came, by what was wrong.
    seconds : dict
        Of each request, by what it was for: `next`, `answer`, `reveal`, `empty`.
    faults : list of BaseException
        What nobody expected.
    """

    acknowledged: set[int] = field(default_factory=set)
    refused: list[int] = field(default_factory=list)
    undone: list[int] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    faults: list[BaseException] = field(default_factory=list)


class Reviewer:
    """Somebody at the page.

    Parameters
    ----------
    url : str
        Of the server.
    name : str
        Of the account.
    noted : Noted
        Shared by all.
    think : (float, float)
        Shortest and longest time, in seconds, before each thing they do.
    """

    def __init__(self, url: str, name: str, noted: Noted, think: tuple[float, float] = (0.0, 0.0)) -> None:
        self._http = httpx2.Client(base_url=url, timeout=60.0, trust_env=False)
        self._stranger = httpx2.Client(base_url=url, timeout=60.0, trust_env=False)
        self._name, self._noted, self._think = name, noted, think
        self._chance = random.Random(name)

    def log_in(self) -> None:
        """Begin a session."""
        token = _field(self._http.get("/login").text, "token")
        answer = self._http.post("/login", data={"token": token, "name": self._name, "password": PASSWORD, "next": "/guidelines"})
        assert answer.status_code == 303, answer.text

    def work(self) -> None:
        """Decide until nothing is left; a server that is down is asked again."""
        while True:
            try:
                if not self.work_once():
                    return
            except httpx2.TransportError as error:
                self._noted.broken.append(repr(error))
                time.sleep(0.2)

    def work_once(self) -> bool:
        """Decide on the next post; say whether there was one."""
        if self._chance.random() < LOOKS_AT_LOGIN:
            self._timed("empty", lambda: self._stranger.get("/login"))
        page = self._timed("next", lambda: self._http.get("/"))
        if paused := _field(page, "paused"):
            page = self._timed("next", lambda: self._http.get("/", params={"paused": paused}))
        lease, csrf = _field(page, "lease"), _field(page, "csrf")
        if not lease:
            return False
        self._pause()
        fields = {"csrf": csrf, "lease": lease}
        if self._chance.random() < SKIPS:
            self._expect(self._http.post("/skip", data=fields), 303)
            return True
        fields |= self._opinion(page)
        status = self._timed("answer", lambda: self._http.post("/answer", data=fields), 303, 409)
        if status == 409:  # the server fell over after it had kept the answer
            self._noted.refused.append(int(lease))
            return True
        self._noted.acknowledged.add(int(lease))
        if self._chance.random() < TWICE:
            self._expect(self._http.post("/answer", data=fields), 409)
        self._timed("reveal", lambda: self._http.get(f"/answers/{lease}"))
        self._pause()
        if self._chance.random() < UNDOES and self._expect(self._http.post("/undo", data={"csrf": csrf}), 303, 409) == 303:
            self._noted.undone.append(int(lease))
        return True

    def _opinion(self, page: str) -> dict[str, str]:
        """Mostly what everybody thinks of the post."""
        post = re.search(r'<article class="post.*?>(.*?)</article>', page, re.DOTALL)
        assert post, page
        bad = zlib.crc32(post[1].encode()) % 4 == 0
        if self._chance.random() < DISAGREES:
            bad = not bad
        return {"category": "insult", "rationale": "gọi người là con vật", "confidence": "2"} if bad else {"nothing": "1", "confidence": "3"}

    def _timed(self, what: str, ask: Callable[[], httpx2.Response], *statuses: int) -> str | int:
        started = time.perf_counter()
        answer = ask()
        self._noted.seconds[what].append(time.perf_counter() - started)
        status = self._expect(answer, *(statuses or (200,)))
        return status if statuses else answer.text

    def _expect(self, answer: httpx2.Response, *statuses: int) -> int:
        assert answer.status_code in statuses, f"{answer.request.url}: {answer.status_code} {answer.text}"
        return answer.status_code

    def _pause(self) -> None:
        time.sleep(self._chance.uniform(*self._think))


def work_at_once(reviewers: Sequence[Reviewer], noted: Noted, beside: Callable[[], None] = lambda: None) -> float:
    """Let all work until nothing is left, and something go on beside them; give the seconds that it took.

    Raises
    ------
    AssertionError
        The first thing that one of them didn't expect.
    """

    def work(reviewer: Reviewer) -> None:
        try:
            reviewer.work()
        except BaseException as fault:
            noted.faults.append(fault)

    threads = [threading.Thread(target=work, args=(reviewer,), daemon=True) for reviewer in reviewers]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    beside()
    for thread in threads:
        thread.join()
    if noted.faults:
        raise noted.faults[0]
    return time.perf_counter() - started


def kill_now_and_then(server: LiveServer, database: Database, noted: Noted, planned: int, kills: int) -> None:
    """Kill the server so many times while others work, evenly over their work, and see each time that nothing acknowledged is lost.

    Raises
    ------
    AssertionError
        If an acknowledged answer is not in the store, or the audit log doesn't hold.
    """
    for number in range(1, kills + 1):
        while len(noted.acknowledged) < planned * number / (kills + 1):
            if noted.faults:
                return
            time.sleep(0.005)
        server.kill()
        acknowledged = set(noted.acknowledged)
        server.start()
        check_kept(database, acknowledged)


def check_kept(database: Database, acknowledged: set[int]) -> int:
    """See that acknowledged answers are in the store and the audit log holds; give the number of its entries.

    Raises
    ------
    AssertionError
        If not.
    """
    with database.reading() as connection:
        lost = acknowledged - set(connection.execute(_ANSWERED).scalars())
        found = audit.verify(connection)
    assert not lost, f"acknowledged answers under these leases are lost: {sorted(lost)}"
    assert found.fault is None, found.fault
    return found.entries


def check_decided(database: Database, noted: Noted) -> dict[str, int]:
    """Hold the store against the plan and against what was acknowledged, and verify the audit log; give counts.

    Raises
    ------
    AssertionError
        If an item was decided more or less often than planned, a decision is lost, or an answer was refused that nothing had interrupted.
    """
    entries = check_kept(database, noted.acknowledged)
    with database.reading() as connection:
        rows = connection.execute(_PLANNED).all()
        kinds = {row.kind: row.number for row in connection.execute(_KINDS)}
    for row in rows:
        assert row.given == row.people == row.answers == row.needed and row.state in ("settled", "disputed"), row
    assert len(noted.refused) <= len(noted.broken)
    assert kinds.get("undo", 0) >= len(noted.undone)
    return {
        "items": len(rows),
        "planned": sum(row.needed for row in rows),
        "decided": sum(row.given for row in rows),
        "disputed": Counter(row.state for row in rows)["disputed"],
        "taken_back": kinds.get("undo", 0),
        "acknowledged": len(noted.acknowledged),
        "audit_entries": entries,
    }


def _field(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    return unescape(found[1]) if found else ""
