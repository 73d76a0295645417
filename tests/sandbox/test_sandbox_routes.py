"""Every endpoint of the spec (B1) has a route, and no two routes fight for one path."""

import pytest
from werkzeug.exceptions import MethodNotAllowed, NotFound

from generator.sandbox.routes import FEATURES, collect, now_paths, path_map

ID = "0" * 32
ENDPOINTS = (
    ("POST", "/angular.do"),
    ("GET", "/login.do"),
    ("POST", "/login.do"),
    ("GET", "/logout.do"),
    ("GET", "/navpage.do"),
    ("GET", "/upload.do"),
    ("POST", "/sys_upload.do"),
    ("GET", "/xmlhttp.do"),
    ("POST", "/xmlhttp.do"),
    ("POST", "/oauth_token.do"),
    *(("POST", path) for path in now_paths("/batch")),
    *(("GET", path) for path in now_paths("/attachment")),
    *(("POST", path) for path in now_paths("/attachment/file")),
    *(("POST", path) for path in now_paths("/attachment/upload")),
    *(("GET", path) for path in now_paths(f"/attachment/{ID}/file")),
    *(("GET", path) for path in now_paths("/table/sys_user")),
    *(("PATCH", path) for path in now_paths(f"/table/sys_user/{ID}")),
    *(("GET", path) for path in now_paths("/stats/sys_user")),
    ("POST", "/api/sn_cicd/update_set/create"),
    ("POST", f"/api/sn_cicd/update_set/preview/{ID}"),
    ("POST", f"/api/sn_cicd/v1/update_set/commit/{ID}"),
    ("POST", "/api/sn_cicd/update_set/commitMultiple"),
    ("POST", "/api/sn_cicd/update_set/back_out"),
    ("GET", f"/api/sn_cicd/progress/{ID}"),
    ("POST", f"/api/sn_cicd/instance_scan/suite_scan/{ID}/update_sets"),
    ("POST", "/api/now/wfa_fluent/activate_flows"),
    ("GET", f"/api/sn_chg_rest/change/{ID}"),
    ("GET", f"/api/sn_chg_rest/v1/change/{ID}"),
    ("PUT", "/api/now/ui/concoursepicker/updateset"),
    ("GET", "/sys.scripts.do"),
    ("POST", "/sys.scripts.do"),
    ("GET", "/__sandbox__/unsupported"),
    ("POST", "/__sandbox__/behaviour"),
)


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
def test_each_endpoint_has_a_handler(method, path):
    handler, _ = path_map().bind("localhost").match(path, method)
    assert callable(handler)


@pytest.mark.parametrize(
    "path",
    [
        "/sys_update_set_upload.do",
        "/sys_remote_update_set_preview.do",
        "/sys_remote_update_set_commit.do",
        "/api/now/import/now_update_set_xml",
    ],
)
def test_what_exists_nowhere_is_not_here(path):
    for method in ("GET", "POST"):
        with pytest.raises((NotFound, MethodNotAllowed)):
            path_map().bind("localhost").match(path, method)


def test_no_path_and_method_is_given_twice():
    pairs = [(path, method) for path, methods, _ in collect() for method in methods]
    assert len(pairs) == len(set(pairs))
    assert len(FEATURES) == len(set(FEATURES))
