"""Accounts, sessions, failed logins and tokens."""

from contextlib import suppress

import pytest

from classifier.errors import InputError
from classifier.review.store import Database, Role, audit, people


@pytest.fixture
def call(database: Database):
    """Calls a function of `people` in a transaction of its own."""

    def run(name: str, *arguments: object) -> object:
        with database.writing() as connection:
            return getattr(people, name)(connection, *arguments)

    return run


def test_an_account_is_found_by_its_name_however_it_is_composed(call) -> None:
    added = call("add_user", 1.0, "th\u1ea3o.vy", Role.MODERATOR, "hash")
    assert (added.name, added.role, added.language, added.blurred) == ("thảo.vy", "moderator", "vi", False)
    assert call("find_user", "tha\u0309o.vy") == (added, "hash")
    assert call("list_users") == [added]


@pytest.mark.parametrize("name", ["", "a b", "a" * 65, "a\0", "<b>", "a'; --", "\u202eabc"])
def test_a_name_that_is_none_is_refused_and_not_found(call, name: str) -> None:
    with pytest.raises(InputError, match="user name"):
        call("add_user", 1.0, name, Role.REVIEWER, "hash")
    assert call("find_user", name) is None
    call("record_failure", 1.0, name)
    assert call("recent_failures", name, 0.0) == 1


def test_a_taken_name_and_an_unknown_role_are_refused(call) -> None:
    call("add_user", 1.0, "an", Role.REVIEWER, "hash")
    with pytest.raises(InputError, match="taken"):
        call("add_user", 2.0, "an", Role.ADMIN, "other")
    with pytest.raises(InputError, match="role 'boss' is unknown"):
        call("add_user", 2.0, "binh", "boss", "hash")
    assert [user.name for user in call("list_users")] == ["an"]


def test_a_session_lasts_until_it_expires_or_ends(call) -> None:
    user = call("add_user", 1.0, "an", Role.REVIEWER, "hash")
    call("open_session", 10.0, user.id, "d" * 64, "token", 60.0)
    found = call("session_of", 69.9, "d" * 64)
    assert (found.user, found.csrf_token, found.expires_at) == (user, "token", 70.0)
    assert call("session_of", 70.0, "d" * 64) is None
    assert call("session_of", 20.0, "e" * 64) is None
    call("end_session", "d" * 64)
    assert call("session_of", 20.0, "d" * 64) is None


@pytest.mark.parametrize("step", [("deactivate",), ("set_password", "new")])
def test_a_closed_account_and_a_new_password_end_all_sessions(call, step: tuple[str, ...]) -> None:
    user, other = (call("add_user", 1.0, name, Role.REVIEWER, "old") for name in ("an", "binh"))
    for digest, owner in (("d", user), ("e", user), ("f", other)):
        call("open_session", 10.0, owner.id, digest, "token", 60.0)
    call(step[0], 20.0, user.id, *step[1:])
    assert [call("session_of", 21.0, digest) is None for digest in "def"] == [True, True, False]
    assert call("find_user", "an") == (None if step[0] == "deactivate" else (user, "new"))


def test_preferences_are_kept(call) -> None:
    user = call("add_user", 1.0, "an", Role.REVIEWER, "hash")
    call("set_preferences", user.id, "en", True)
    found, _ = call("find_user", "an")
    assert (found.language, found.blurred) == ("en", True)
    with pytest.raises(InputError, match="language 'xx'"):
        call("set_preferences", user.id, "xx", True)


def test_failed_logins_are_counted_by_name_within_their_time(call) -> None:
    for now in (1.0, 2.0, 3.0):
        call("record_failure", now, "an")
    call("record_failure", 3.0, "binh")
    assert [call("recent_failures", "an", since) for since in (0.0, 1.0, 3.0)] == [3, 2, 0]
    call("forget_failures", "an")
    assert (call("recent_failures", "an", 0.0), call("recent_failures", "binh", 0.0)) == (0, 1)


def test_a_token_lets_in_until_it_is_revoked(call) -> None:
    call("add_token", 1.0, "forum", "d" * 64)
    assert (call("token_known", "d" * 64), call("token_known", "e" * 64)) == (True, False)
    with pytest.raises(InputError, match="taken"):
        call("add_token", 2.0, "forum", "e" * 64)
    call("revoke_token", 3.0, "forum")
    assert not call("token_known", "d" * 64)
    for label in ("forum", "other"):
        with pytest.raises(InputError, match="there is none"):
            call("revoke_token", 4.0, label)


def test_every_change_of_accounts_and_tokens_is_in_the_audit_log(call, database) -> None:
    user = call("add_user", 1.0, "an", Role.REVIEWER, "hash")
    call("set_password", 2.0, user.id, "new")
    call("deactivate", 3.0, user.id)
    call("add_token", 4.0, "forum", "d" * 64)
    call("revoke_token", 5.0, "forum")
    with suppress(InputError):
        call("revoke_token", 6.0, "forum")
    with database.reading() as connection:
        found = audit.verify(connection)
    assert (found.entries, found.fault) == (5, None)
