"""ServiceNow's own client, PySNC, against the served sandbox: records."""

import pytest
from pysnc import ServiceNowClient
from pysnc.exceptions import AuthenticationException, NotFoundException, RoleException

from generator.sandbox.base_rows import ADMIN_ID, PLAIN_USER
from generator.sandbox.instance import Sandbox
from generator.sandbox.tls import make_tls

TABLE = "sys_email_account"
COUNT = 25


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    tls = make_tls()
    authority = tls.write_ca(tmp_path_factory.mktemp("tls") / "ca.pem")
    sandbox = Sandbox()
    # PySNC takes no http.
    sandbox.start(ssl_context=tls.context)
    yield sandbox, str(authority)
    sandbox.close()


@pytest.fixture
def sandbox(served):
    sandbox, _ = served
    for row in sandbox.database.query(TABLE, "nameSTARTSWITHpysnc"):
        sandbox.database.delete(TABLE, row["sys_id"])
    for number in range(COUNT):
        values = {"name": f"pysnc {number:02}", "type": "x", "port": str(number), "active": "false"}
        if number == 3:
            values["user_name"] = "Somebody, Else"
        sandbox.database.insert(TABLE, values, by="t")
    return sandbox


@pytest.fixture
def connect(served):
    opened = []

    def make(user="admin", password=None):
        sandbox, authority = served
        client = ServiceNowClient(
            sandbox.url, (user, password or sandbox.admin_password), verify=authority
        )
        # The environment's authorities and proxies would be taken instead.
        client.session.trust_env = False
        opened.append(client)
        return client

    yield make
    for client in opened:
        client.session.close()


@pytest.fixture
def client(sandbox, connect):
    return connect()


def records(client, *conditions, **options):
    record = client.GlideRecord(TABLE, **options)
    record.add_query("name", "STARTSWITH", "pysnc")
    for condition in conditions:
        record.add_query(*condition)
    record.order_by("name")
    record.query()
    return [int(found.port.get_value()) for found in record]


EVERY = list(range(COUNT))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (("name", "pysnc 07"), [7]),
        (("name", "=", "pysnc 07"), [7]),
        (("name", "!=", "pysnc 07"), [n for n in EVERY if n != 7]),
        (("sys_mod_count", ">", "0"), []),
        (("sys_mod_count", ">=", "0"), EVERY),
        (("sys_mod_count", "<", "1"), EVERY),
        (("sys_mod_count", "<=", "0"), EVERY),
        (("name", "IN", "pysnc 01,pysnc 02,other"), [1, 2]),
        (("name", "NOT IN", "pysnc 01,pysnc 02"), [n for n in EVERY if n not in (1, 2)]),
        (("name", "STARTSWITH", "pysnc 2"), [20, 21, 22, 23, 24]),
        (("name", "ENDSWITH", "4"), [4, 14, 24]),
        (("name", "CONTAINS", "c 1"), list(range(10, 20))),
        (("name", "DOES NOT CONTAIN", "c 1"), [n for n in EVERY if not 10 <= n < 20]),
        (("name", "LIKE", "c 1"), list(range(10, 20))),
        (("user_name", "=", "Somebody, Else"), [3]),
    ],
)
def test_query_with_every_operator(client, condition, expected):
    assert records(client, condition) == expected


def test_instanceof(client, sandbox):
    record = client.GlideRecord("sys_package")
    record.add_query("sys_class_name", "INSTANCEOF", "sys_scope")
    record.query()
    scopes = sandbox.database.count("sys_scope")
    assert len(record) == scopes > 0


def test_empty_and_not_empty(client):
    record = client.GlideRecord(TABLE)
    record.add_query("type", "x")
    record.add_not_null_query("user_name")
    record.query()
    assert len(record) == 1
    record = client.GlideRecord(TABLE)
    record.add_query("type", "x")
    record.add_null_query("user_name")
    record.query()
    assert len(record) == COUNT - 1


def test_either_or_and_encoded(client):
    record = client.GlideRecord(TABLE)
    record.add_query("name", "pysnc 01").add_or_condition("name", "pysnc 02")
    record.add_encoded_query("type=x^name!=pysnc 02")
    record.query()
    assert [row.name.get_value() for row in record] == ["pysnc 01"]


def test_joins_and_related_lists(client):
    record = client.GlideRecord("sys_user")
    record.add_join_query("sys_user_has_role", join_table_field="user").add_query(
        "role.name", "admin"
    )
    record.query()
    assert ADMIN_ID in [row.sys_id.get_value() for row in record]
    record = client.GlideRecord("sys_user")
    without = record.add_rl_query("sys_user_has_role", "user", "=0")
    without.add_query("role.name", "admin")
    record.query()
    names = [row.user_name.get_value() for row in record]
    assert PLAIN_USER in names and "admin" not in names


def test_paging_reads_every_record_once(client):
    assert records(client, batch_size=4) == EVERY
    record = client.GlideRecord(TABLE, batch_size=4)
    record.add_query("type", "x")
    record.order_by_desc("name")
    record.limit = 10
    record.query()
    assert [int(row.port.get_value()) for row in record] == EVERY[:-11:-1]
    assert len(record) == COUNT


def test_a_long_query_goes_through_the_batch_api(client):
    many = ",".join(["pysnc 01", *(f"{n:040}" for n in range(400))])
    assert records(client, ("name", "IN", many)) == [1]


def test_get_by_id_and_by_column(client, sandbox):
    [row] = sandbox.database.query(TABLE, "name=pysnc 05")
    record = client.GlideRecord(TABLE)
    assert record.get(row["sys_id"])
    assert record.name == "pysnc 05"
    assert not client.GlideRecord(TABLE).get("0" * 32)
    record = client.GlideRecord(TABLE)
    assert record.get("name", "pysnc 06")
    assert record.port == "6"


def test_fields_and_dot_walks(client):
    record = client.GlideRecord("sys_user_has_role")
    record.fields = "user,user.user_name,role.name"
    record.add_query("user", ADMIN_ID)
    record.add_query("role.name", "admin")
    record.query()
    assert record.next()
    assert record.get_value("user.user_name") == "admin"
    assert record.get_display_value("user") == "System Administrator"
    assert record.get_value("user") == ADMIN_ID
    assert record.user.user_name == "admin"


def test_links(client):
    record = client.GlideRecord("sys_user_has_role")
    record.exclude_reference_link = False
    record.add_query("user", ADMIN_ID)
    record.query()
    assert record.next()
    link = f"{client.instance}/api/now/table/sys_user/{ADMIN_ID}"
    assert record.get_element("user").get_link() == link


def test_dates_are_dates(client):
    record = client.GlideRecord(TABLE)
    assert record.get("name", "pysnc 01")
    assert record.sys_created_on.date_value().tzinfo is not None


def test_insert_with_a_given_sys_id(client, sandbox):
    record = client.GlideRecord(TABLE)
    record.initialize()
    record.set_new_guid_value("ab" * 16)
    record.name = "pysnc new"
    assert record.insert() == "ab" * 16
    assert sandbox.database.get(TABLE, "ab" * 16)["name"] == "pysnc new"
    assert client.GlideRecord(TABLE).get("ab" * 16)


def test_insert_with_a_sys_id_of_the_instance(client):
    record = client.GlideRecord(TABLE)
    record.initialize()
    record.set_value("name", "pysnc made")
    sys_id = record.insert()
    assert len(sys_id) == 32
    assert record.sys_created_by == "admin"


def test_update_changes_only_what_was_changed(client, sandbox):
    record = client.GlideRecord(TABLE)
    record.get("name", "pysnc 08")
    record.set_value("server", "changed.example")
    assert record.changes()
    assert record.update() == record.sys_id
    row = sandbox.database.get(TABLE, record.get_value("sys_id"))
    assert (row["server"], row["name"], row["sys_mod_count"]) == (
        "changed.example",
        "pysnc 08",
        "1",
    )


def content_type(client):
    """PySNC deletes without `Content-Type`, which the documents demand (spec A2): added here."""
    client.session.headers["Content-Type"] = "application/json"
    return client


def test_delete(client, sandbox):
    record = content_type(client).GlideRecord(TABLE)
    record.get("name", "pysnc 09")
    assert record.delete()
    assert sandbox.database.count(TABLE, "name=pysnc 09") == 0
    with pytest.raises(NotFoundException):
        record.delete()


def test_batch_updates_and_deletes_multiple(client, sandbox):
    record = client.GlideRecord(TABLE)
    record.add_query("name", "STARTSWITH", "pysnc 1")
    record.query()
    while record.next():
        record.set_value("server", f"{record.get_value('port')}.example")
    assert record.update_multiple()
    assert sandbox.database.count(TABLE, "server=14.example") == 1
    assert sandbox.database.count(TABLE, "serverENDSWITH.example^type=x") == 10
    assert record.delete_multiple()
    assert sandbox.database.count(TABLE, "type=x") == COUNT - 10


def test_serialization(client):
    record = client.GlideRecord(TABLE)
    record.fields = ["sys_id", "name", "port"]
    record.add_query("name", "IN", "pysnc 01,pysnc 02")
    record.order_by("name")
    record.query()
    plain = [{k: v for k, v in row.items() if k != "sys_id"} for row in record.serialize_all()]
    assert plain == [{"name": "pysnc 01", "port": "1"}, {"name": "pysnc 02", "port": "2"}]
    record.rewind()
    assert record.next()
    both = record.serialize(display_value="both")
    assert both["name"] == {"value": "pysnc 01", "display_value": "pysnc 01"}
    table = record.to_pandas()
    assert table["name"] == ["pysnc 01", "pysnc 02"]


def test_attachments(client, sandbox, tmp_path):
    record = client.GlideRecord(TABLE)
    record.get("name", "pysnc 01")
    link = record.add_attachment("note.txt", b"line one\nline two", "text/plain")
    assert link.startswith(f"{client.instance}/api/now/v1/attachment/")
    found = record.get_attachments()
    assert len(found) == 1
    assert found.next()
    assert found.file_name == "note.txt"
    assert found.read() == b"line one\nline two"
    assert found.readlines() == ["line one", "line two"]
    with found.as_temp_file() as file:
        assert file.read() == b"line one\nline two"
    assert found.write_to(tmp_path).read_bytes() == b"line one\nline two"
    content_type(client)
    found.delete()
    assert sandbox.database.count("sys_attachment", "file_name=note.txt") == 0


def test_wrong_credentials(connect):
    with pytest.raises(AuthenticationException):
        connect(password="wrong").GlideRecord(TABLE).query()


def test_closed_tables(connect):
    with pytest.raises(RoleException):
        connect(user=PLAIN_USER).GlideRecord("sys_properties").query()
