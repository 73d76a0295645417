"""An instance for the app's scripts: the platform's classes as stubs, in an ES5 engine."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from app_payloads import app_inputs, record_named

# Composed, so that no tracked file matches the project's own secret rule.
JWT = ".".join(("eyJ" + "hbGciOi" * 6, "canary" * 12, "sig0" * 10))
OPAQUE = "0.canary" + "Ab3-" * 20
SECRET = "abc" + "8Q~" + "x" * 34
GUID = "00000000-1111-2222-3333-444444444444"
ACCOUNT = "a" * 32
PROFILE = "b" * 32
SCOPE = "x_acme_smtp"
NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)

# Classes and methods as ServiceNow documents them; each may be made to fail or taken away.
STUBS = """
var world = dukpy.world;
var trace = {calls: [], parameters: {}, events: [], logs: []};
function reached(method) {
    trace.calls.push(method);
    if (world.failing === method) {
        throw world.failure === null ? null : new Error(world.failure);
    }
}
var RealDate = Date;
Date = function (time) {
    return new RealDate(arguments.length ? time : world.now);
};
Date.UTC = RealDate.UTC;

var Class = {
    create: function () {
        return function () { this.initialize.apply(this, arguments); };
    }
};
function GlideRecord(table) { reached('new GlideRecord'); this.table = table; this.row = null; }
GlideRecord.prototype = {
    isValid: function () { reached('GlideRecord.isValid'); return this.table in world.tables; },
    canRead: function () {
        reached('GlideRecord.canRead');
        return world.closed.indexOf(this.table) < 0;
    },
    get: function (sysId) {
        reached('GlideRecord.get');
        var open = world.closed.indexOf(this.table) < 0;
        this.row = (open && world.tables[this.table][sysId]) || null;
        return this.row !== null;
    },
    getValue: function (field) {
        reached('GlideRecord.getValue');
        return field in this.row ? this.row[field] : null;
    }
};
function log(text) { trace.logs.push(String(text)); }
var gs = {
    getCurrentScopeName: function () { reached('gs.getCurrentScopeName'); return world.scope; },
    getProperty: function (name, other) {
        reached('gs.getProperty');
        return name in world.properties ? world.properties[name] : other;
    },
    eventQueue: function (name, record, parm1, parm2) {
        reached('gs.eventQueue');
        trace.events.push([name, record.table, record.row.name, parm1, parm2]);
    },
    debug: log, info: log, warn: log, error: log, log: log, print: log
};
var sn_auth = {
    GlideOAuthClientRequest: function () { reached('new GlideOAuthClientRequest'); },
    GlideOAuthClient: function () { reached('new GlideOAuthClient'); }
};
sn_auth.GlideOAuthClientRequest.prototype = {
    setParameter: function (name, value) {
        reached('GlideOAuthClientRequest.setParameter');
        trace.parameters[name] = value;
    }
};
sn_auth.GlideOAuthClient.prototype = {
    getToken: function () { reached('GlideOAuthClient.getToken'); return new Token(); },
    requestToken: function () { reached('GlideOAuthClient.requestToken'); },
    requestTokenByRequest: function (name, request) {
        reached('GlideOAuthClient.requestTokenByRequest');
        trace.clientName = name;
        trace.given = request instanceof sn_auth.GlideOAuthClientRequest;
        return world.response ? new Response() : null;
    }
};
function Response() {}
Response.prototype = {
    getErrorMessage: function () {
        reached('GlideOAuthClientResponse.getErrorMessage');
        return world.response.error;
    },
    getResponseCode: function () {
        reached('GlideOAuthClientResponse.getResponseCode');
        return world.response.code;
    },
    getBody: function () {
        reached('GlideOAuthClientResponse.getBody');
        return world.response.body;
    },
    getToken: function () {
        reached('GlideOAuthClientResponse.getToken');
        return world.response.token === null ? null : new Token();
    }
};
function Token() {}
Token.prototype = {
    getAccessToken: function () {
        reached('GlideOAuthToken.getAccessToken');
        return world.response.token;
    },
    getExpiresIn: function () {
        reached('GlideOAuthToken.getExpiresIn');
        return world.response.expiresIn;
    }
};
"""


def script(logical_name: str = "sys_script_include", field: str = "script") -> str:
    """Text of a script that the app ships."""
    return str(record_named(app_inputs(), logical_name).fields[field])


def world(**changes: Any) -> dict[str, Any]:
    """An instance on which everything is well."""
    base: dict[str, Any] = {
        "now": NOW.timestamp() * 1000,
        "scope": SCOPE,
        "inputs": {"email_account": ACCOUNT, "send_test_to": ""},
        "properties": {f"{SCOPE}.secret_expires_on": "", f"{SCOPE}.warn_days": "30"},
        "tables": {
            "sys_email_account": {
                ACCOUNT: {
                    "name": "Outbound",
                    "type": "smtp",
                    "authentication": "oauth2",
                    "oauth_profile": PROFILE,
                    "active": "1",
                }
            },
            "oauth_entity_profile": {PROFILE: {"name": "Outbound default_profile"}},
        },
        "closed": [],
        "missing": [],
        "failing": "",
        "failure": "out of order",
        "response": {
            "error": "",
            "code": "200",
            "body": json.dumps({"access_token": JWT, "expires_in": 3599}),
            "token": JWT,
            "expiresIn": 3599,
        },
    }
    return {**base, **changes}
