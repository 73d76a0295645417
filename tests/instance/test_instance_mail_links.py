"""The mail chain as the instance sees it, against a sandbox that gets its tokens for real."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import pytest
from activating import Stage, stage
from importing import place
from packages import render

from generator.config.environment import Environment
from generator.errors import ExitCode, Fault, NetworkError, ResponseError
from generator.instance.app_check import HealthStatus
from generator.instance.interface import AppAnswer, Found, Instance, Read
from generator.instance.mail_check import Explain
from generator.instance.mail_links import instance_links
from generator.instance.run import Run
from generator.mail.entra_errors import causes_of
from generator.mail.interface import Cause, LinkResult, Verdict
from generator.mail.settings import mail_settings

Make = Callable[..., Environment]
Links = dict[str, LinkResult]

NAMES = ("account", "profile", "entity", "secret", "mail", "check")
OK, WARNING, FAILED, SKIPPED = Verdict.OK, Verdict.WARNING, Verdict.FAILED, Verdict.SKIPPED


@pytest.fixture
def there(environment: Make) -> Iterator[Stage]:
    with stage(environment()) as made:
        yield made


def links_of(made: Stage, *, explain: Explain | None = None) -> Links:
    """The links by the end of their names; asking changes nothing."""
    found: list[LinkResult] = []
    came = made.call(lambda run: found.extend(instance_links(run, explain=explain)))
    assert (came.code, came.faults) == (ExitCode.OK, ())
    assert made.writes() == []
    assert [link.name for link in found] == [f"instance-{name}" for name in NAMES]
    for link in found:
        assert link.title
        assert link.checked
        assert link.answered
        assert bool(link.code) is bool(link.causes) is (link.verdict in (WARNING, FAILED))
        assert all(cause.what and cause.fix for cause in link.causes)
        assert link.seconds >= 0
        assert made.mail.client_secret not in repr(link)
    return {link.name.removeprefix("instance-"): link for link in found}


def verdicts(links: Links, **others: Verdict) -> None:
    """All links are well, but these."""
    expected = {name: others.get(name, OK) for name in NAMES}
    assert {name: link.verdict for name, link in links.items()} == expected


def change(made: Stage, table: str, **values: str) -> None:
    """Change the one record of a table of the mail chain, as a person does."""
    query = "" if table != "sys_email_account" else f"sys_id={made.ours}"
    (row,) = made.sandbox.database.query(table, query)
    made.sandbox.database.update(table, row["sys_id"], values, by="somebody")


def go_live(made: Stage) -> None:
    """The cut-over, and the line that it ends with."""
    made.switch(made.old, on=False)
    made.switch(made.ours, on=True)
    say_live(made)


def say_live(made: Stage) -> None:
    account = replace(made.place.environment.email_account, live=True)
    made.place.environment = replace(made.place.environment, email_account=account)


def wrapped(made: Stage, **methods: object) -> None:
    """Put something between the links and the instance."""

    def wrap(instance: Instance) -> Instance:
        for name, method in methods.items():
            setattr(instance, name, method(instance) if name == "read" else method)  # type: ignore[operator]
        return instance

    made.place.wrap = wrap  # type: ignore[assignment]


# Everything is well


def test_before_the_cut_over_the_account_gets_tokens_and_is_inactive(there: Stage) -> None:
    links = links_of(there)
    verdicts(links, check=WARNING)
    assert links["account"].answered == "as the package says; inactive"
    assert there.place.environment.azure.client_id in links["entity"].answered
    assert links["secret"].answered == "set"
    assert links["mail"].answered == "on; 0 wait"
    assert links["check"].code == "check-inactive"
    assert "sn-smtp activate dev" in links["check"].causes[0].fix


def test_after_the_cut_over_all_is_well(there: Stage) -> None:
    go_live(there)
    links = links_of(there)
    verdicts(links)
    assert links["check"].answered.startswith("ok: The email account")


def test_a_live_package_holds_the_account_beside_its_sets(there: Stage) -> None:
    go_live(there)
    render(there.place.environment, there.place.clock.now())
    verdicts(links_of(there))


# Records


@pytest.mark.parametrize(
    ("table", "values", "link", "verdict"),
    [
        ("sys_email_account", {"user_name": "other@acme.example"}, "account", FAILED),
        ("sys_email_account", {"port": "25"}, "account", FAILED),
        ("sys_email_account", {"email_user_label": "Somebody"}, "account", WARNING),
        ("oauth_entity_scope", {"oauth_entity_scope": "https://graph"}, "profile", FAILED),
        ("oauth_entity_profile", {"name": "Renamed"}, "profile", WARNING),
        ("oauth_entity", {"comments": "Ask Ada"}, "entity", WARNING),
        ("oauth_entity", {"send_client_credentials_as": "basic"}, "entity", FAILED),
    ],
)
def test_a_record_that_reads_otherwise(
    there: Stage, table: str, values: Mapping[str, str], link: str, verdict: Verdict
) -> None:
    go_live(there)
    change(there, table, **values)
    found = links_of(there)[link]
    assert (found.verdict, found.code) == (verdict, "record-differs")
    ((name, value),) = values.items()
    assert f"{name} is {value}, not " in found.answered
    assert f"{name} is {value}, not " in found.causes[0].what
    assert "sn-smtp render dev" in found.causes[0].fix


@pytest.mark.parametrize(
    ("table", "link"),
    [("oauth_entity_profile_scope", "profile"), ("oauth_entity", "entity")],
)
def test_a_record_that_is_gone(there: Stage, table: str, link: str) -> None:
    (row,) = there.sandbox.database.query(table, "")
    there.sandbox.database.delete(table, row["sys_id"])
    found = links_of(there)[link]
    assert (found.verdict, found.code) == (FAILED, "record-missing")
    assert "sn-smtp import dev" in found.causes[0].fix


def test_without_an_account_the_app_is_not_asked(there: Stage) -> None:
    there.sandbox.database.delete("sys_email_account", there.ours)
    links = links_of(there)
    assert (links["account"].verdict, links["account"].code) == (FAILED, "record-missing")
    assert links["check"].verdict is SKIPPED
    assert not any("smtp_oauth" in entry.path for entry in there.sandbox.wire.seen)


def test_an_account_that_is_live_and_not_said_to_be(there: Stage) -> None:
    there.switch(there.old, on=False)
    there.switch(there.ours, on=True)
    links = links_of(there)
    verdicts(links, account=WARNING)
    assert links["account"].code == "account-live-unsaid"
    assert "live: true" in links["account"].causes[0].fix


def test_an_account_that_is_said_to_be_live_and_is_not(there: Stage) -> None:
    say_live(there)
    links = links_of(there)
    verdicts(links, account=FAILED, check=FAILED)
    assert links["account"].code == "account-inactive"
    assert links["check"].code == "check-inactive"


def test_no_secret_is_set(environment: Make) -> None:
    with stage(environment()) as made:
        (row,) = made.sandbox.database.query("oauth_entity", "")
        made.sandbox.database.update(
            "oauth_entity", row["sys_id"], {"client_secret": ""}, by="somebody"
        )
        links = links_of(made)
    assert (links["secret"].verdict, links["secret"].code) == (FAILED, "secret-not-set")
    assert "sn-smtp secret deliver dev" in links["secret"].causes[0].fix
    assert links["check"].verdict is FAILED


def test_a_package_without_an_entry(there: Stage) -> None:
    found: list[LinkResult] = []

    def without(run: Run) -> None:
        records = tuple(r for r in run.package.records if r.table != "oauth_entity")
        run.package = replace(run.package, records=records)
        found.extend(instance_links(run))

    there.call(without)
    entity, secret = found[2:4]
    assert (entity.verdict, entity.code) == (FAILED, "no-entity")
    assert (secret.verdict, secret.causes) == (SKIPPED, ())


@pytest.mark.parametrize(
    ("table", "links"),
    [
        ("sys_email_account", ("account",)),
        ("oauth_entity", ("entity", "secret")),
        ("oauth_entity_scope", ("profile",)),
        ("sys_properties", ("mail",)),
    ],
)
def test_a_table_that_is_closed(there: Stage, table: str, links: tuple[str, ...]) -> None:
    go_live(there)
    error = ResponseError(
        Fault("instance-table-acl", f"{table} is closed.", next="give the role"),
        status=403,
        detail="User Not Authorized",
    )

    def closed(instance: Instance) -> Callable[[tuple[Read, ...]], tuple[Found, ...]]:
        plain = instance.read

        def read(reads: tuple[Read, ...]) -> tuple[Found, ...]:
            found = plain(reads)
            return tuple(
                Found(error=error) if asked.table == table else answer
                for asked, answer in zip(reads, found, strict=True)
            )

        return read

    wrapped(there, read=closed)
    found = links_of(there)
    verdicts(found, **dict.fromkeys(links, FAILED))
    for name in links:
        assert found[name].code == "instance-table-acl"
        assert found[name].answered == "User Not Authorized"
        assert found[name].causes == (Cause(f"{table} is closed.", "give the role"),)


# Outgoing mail


@pytest.mark.parametrize(("live", "verdict"), [(False, WARNING), (True, FAILED)])
@pytest.mark.parametrize(("value", "said"), [("false", "off"), (None, "not clearly on")])
def test_outgoing_mail_that_is_not_on(
    there: Stage, live: bool, verdict: Verdict, value: str | None, said: str
) -> None:
    if live:
        go_live(there)
    there.set_property("glide.email.smtp.active", value)
    mail = links_of(there)["mail"]
    assert (mail.verdict, mail.code) == (verdict, "outbound-mail-off")
    assert mail.answered == f"{said}; 0 wait"


@pytest.mark.parametrize(
    ("live", "production", "verdict"),
    [
        (True, True, WARNING),
        (True, None, WARNING),
        (True, False, OK),
        (False, True, OK),
    ],
)
def test_mail_that_goes_elsewhere_is_said(
    there: Stage, live: bool, production: bool | None, verdict: Verdict
) -> None:
    if live:
        go_live(there)
    there.set_property("glide.email.test.user", "tester@acme.example")
    made = there.place.environment
    settings = replace(made.instance, production=production)
    there.place.environment = replace(made, instance=settings)
    mail = links_of(there)["mail"]
    assert mail.verdict is verdict
    assert mail.answered == "on; all mail goes to tester@acme.example; 0 wait"


# The app's own check


def test_a_refused_token_says_what_entra_said(there: Stage) -> None:
    go_live(there)
    there.mail.behaviour.set({"entra": "secret_expired"})
    check = links_of(there)["check"]
    assert (check.verdict, check.code) == (FAILED, "aadsts-7000222")
    assert check.answered.startswith("no_token: ")
    assert "AADSTS7000222" in check.answered
    assert len(check.causes) == 1
    assert "sn-smtp secret deliver dev" in check.causes[0].fix


def test_entras_codes_are_explained_where_somebody_can(there: Stage) -> None:
    go_live(there)
    there.mail.behaviour.set({"entra": "secret_expired"})
    settings = mail_settings(there.place.environment)
    check = links_of(there, explain=lambda codes: causes_of(codes, "", settings=settings))["check"]
    assert check.code == "aadsts-7000222"
    assert check.causes[0].what == "The client secret has expired."
    assert "sn-smtp secret deliver dev" in check.causes[-1].fix


def test_a_token_that_nobody_refused_in_words(there: Stage) -> None:
    go_live(there)
    check = answered(there, status=HealthStatus.NO_TOKEN, message="HTTP 503, it gave no reason.")
    assert (check.verdict, check.code) == (FAILED, "check-no-token")
    assert len(check.causes) == 2


def answered(made: Stage, **values: object) -> LinkResult:
    """The link for an answer of the check that the sandbox need not be brought to."""
    status = HealthStatus(str(values.get("status", "ok")))
    result = {
        "ok": status in (HealthStatus.OK, HealthStatus.SECRET_EXPIRES),
        "status": status.value,
        "message": "It says so.",
        "token_expires_on": "",
        "secret_days_left": "",
        "secret_expires_on": "",
        "account": made.ours,
        "test_queued": False,
        **values,
    }
    wrapped(made, call_app=lambda *_, **__: AppAnswer(200, result))
    return links_of(made)["check"]


@pytest.mark.parametrize(
    ("days", "ends", "what"),
    [
        (12, "2026-12-05 12:00:00", "The client secret ends in 12 days on 2026-12-05 12:00:00 UTC"),
        ("", "", "The client secret ends soon."),
        (-3, "2026-11-20 12:00:00", "ended on 2026-11-20 12:00:00 UTC, and Entra gave a token"),
    ],
)
def test_a_secret_that_ends(there: Stage, days: object, ends: str, what: str) -> None:
    go_live(there)
    check = answered(there, status="secret_expires", secret_days_left=days, secret_expires_on=ends)
    assert (check.verdict, check.code) == (WARNING, "check-secret-expires")
    assert what in check.causes[0].what


@pytest.mark.parametrize(
    ("status", "code"), [("not_oauth", "check-not-oauth"), ("error", "check-error")]
)
def test_a_check_that_fails(there: Stage, status: str, code: str) -> None:
    go_live(there)
    check = answered(there, status=status)
    assert (check.verdict, check.code) == (FAILED, code)
    assert check.answered == f"{status}: It says so."


def test_an_app_of_an_earlier_version(there: Stage) -> None:
    go_live(there)
    (row,) = there.sandbox.database.query("sys_ws_definition", "service_id=smtp_oauth")
    there.sandbox.database.delete("sys_ws_definition", row["sys_id"])
    check = links_of(there)["check"]
    assert (check.verdict, check.code) == (FAILED, "app-missing")
    assert "sn-smtp import dev" in check.causes[0].fix


def test_a_check_that_does_not_answer(there: Stage) -> None:
    go_live(there)

    def cut(*_: object, **__: object) -> AppAnswer:
        raise NetworkError(Fault("instance-connection-lost", "Cut.", next="try again"))

    wrapped(there, call_app=cut)
    links = links_of(there)
    verdicts(links, check=FAILED)
    assert links["check"].code == "instance-connection-lost"
    assert links["check"].causes == (Cause("Cut.", "try again"),)


def test_an_instance_that_sleeps_raises(environment: Make) -> None:
    made = place(environment(), hibernating=True)
    came = made.call(lambda run: None if instance_links(run) else None)
    assert (came.code, came.codes) == (ExitCode.FAILED, ["instance-hibernating"])
