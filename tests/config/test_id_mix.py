"""The object-id trap in the environment file."""

from __future__ import annotations

import json

import pytest
from config_root import Root

TENANT = "7f1d2c3b-4a59-4e68-8b77-0c1d2e3f4a5b"
CLIENT = "2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f"
APPLICATION = "c0ffee00-1111-4222-8333-444455556666"
PRINCIPAL = "5e7a1c9d-0b2f-4d6e-8a13-9f8e7d6c5b4a"


def outputs(root: Root, **values: str) -> Root:
    """Write Azure's outputs of `dev`."""
    (root.path / "dev/azure.json").write_text(json.dumps(values))
    return root


@pytest.mark.parametrize(
    ("typed", "other"),
    [(APPLICATION, "app registration"), (CLIENT, "client"), (TENANT, "tenant")],
)
def test_a_service_principal_id_that_is_another_id(root: Root, typed: str, other: str) -> None:
    outputs(root, tenant_id=TENANT, client_id=CLIENT, application_object_id=APPLICATION)
    fault = root.put("azure.service_principal_object_id", typed).fault()
    assert (fault.code, fault.path) == ("one-id-for-two", "azure.service_principal_object_id")
    assert "azure.json" in fault.message
    assert other in fault.message
    assert fault.line is not None
    assert "az ad sp show" in str(fault.next)


def test_inline_ids_alone(root: Root) -> None:
    fault = root.put("azure.tenant_id", CLIENT).fault()
    assert (fault.code, fault.path) == ("one-id-for-two", "azure.client_id")
    assert "at azure.tenant_id" in fault.message
    assert "overview" in str(fault.next)


def test_the_right_id_is_taken_and_nobody_asks_for_it(root: Root) -> None:
    outputs(root, tenant_id=TENANT, client_id=CLIENT, application_object_id=APPLICATION)
    asks = "service-principal-object-id-unknown"
    assert asks in {notice.code for notice in root.load().notices}
    loaded = root.put("azure.service_principal_object_id", PRINCIPAL).load()
    assert loaded.azure.service_principal_object_id == PRINCIPAL
    assert asks not in {notice.code for notice in loaded.notices}
