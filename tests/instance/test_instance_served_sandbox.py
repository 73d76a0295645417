"""The client against a sandbox over real sockets, with and without TLS, as people use it."""

from __future__ import annotations

from pathlib import Path

import pytest
from instance_replies import BASIC, ID, START

from generator.clock import SteppedClock
from generator.config.instance_settings import InstanceSettings
from generator.errors import OutcomeUnknown
from generator.instance.http_instance import open_instance
from generator.instance.interface import Read, Route
from generator.sandbox.instance import Sandbox
from generator.sandbox.tls import make_tls
from generator.secrets.interface import Secret

ME = Read("sys_user", query="user_name=admin", fields=("sys_id", "user_name"))
FILE = b"""<?xml version="1.0" encoding="UTF-8"?>
<unload unload_date="2026-11-23 12:00:00">
<sys_remote_update_set action="INSERT_OR_UPDATE"><application>global</application>
<application_name>Global</application_name><application_scope>global</application_scope>
<description/><name>Scratch</name><state>loaded</state><sys_id>%s</sys_id>
</sys_remote_update_set>%s</unload>
"""


@pytest.mark.parametrize("encrypted", [True, False])
def test_a_served_sandbox_is_read_and_uploaded_to(tmp_path: Path, encrypted: bool) -> None:
    clock = SteppedClock(START)
    sandbox = Sandbox(clock=clock)
    tls = make_tls() if encrypted else None
    path = tmp_path / "set.xml"
    path.write_bytes(FILE % (ID.encode(), b"\n" * 3_000_000))
    url = sandbox.start(ssl_context=tls.context if tls else None)
    settings = InstanceSettings(
        auth=BASIC, ca_file=tls.write_ca(tmp_path / "ca.pem") if tls else None
    )
    try:
        with open_instance(
            settings,
            url="https://dev1.example.com",
            override_url=url,
            clock=clock,
            secrets=lambda _source: Secret(sandbox.admin_password),
        ) as instance:
            instance.check_awake()
            assert len(instance.read([ME, ME])[1].rows) == 1
            instance.upload(path, set_sys_id=ID)
            header = Read("sys_remote_update_set", query=f"sys_id={ID}", fields=("name",))
            assert instance.read([header])[0].rows == ({"name": "Scratch"},)
            for where in ("before", "after", "middle"):
                sandbox.behaviour.set({"cut": f"{where}:1"})
                assert instance.read([ME])[0].total == 1
                sandbox.behaviour.set({"cut": f"{where}:1"})
                with pytest.raises(OutcomeUnknown):
                    instance.preview(ID, batch=False, route=Route.CICD)
            assert instance.server_time() is not None
    finally:
        sandbox.stop()
        sandbox.close()
