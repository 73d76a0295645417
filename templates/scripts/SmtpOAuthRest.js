/**
 * Answers the Scripted REST API of this application, for callers with its role.
 *
 * health(request, response)  GET  /api/<scope>/smtp_oauth/health?account=<sys_id>
 * test(request, response)    POST /api/<scope>/smtp_oauth/test
 *                            {"account": sys_id, "to": address, "marker": text}
 *
 * 200 carries the result of SmtpOAuthHealth, whatever its status. A caller without the role gets
 * 403, a call that is not understood 400, a failure 500, in the form of the platform's own errors.
 * No text of an exception leaves the instance here.
 */
var SmtpOAuthRest = Class.create();
SmtpOAuthRest.prototype = {

    initialize: function () {
    },

    health: function (request, response) {
        var self = this;
        this._answer(response, function () {
            var account = self._attempt('request.queryParams', function () {
                return request.queryParams.account;
            });
            return {email_account: self._account(account)};
        });
    },

    test: function (request, response) {
        var self = this;
        this._answer(response, function () {
            var body = self._body(request);
            return {
                email_account: self._account(body.account),
                send_test_to: self._fitting(body.to,
                    /^[!#-+\--:=?A-Z\[\]-~]{1,64}@[A-Za-z0-9.-]{1,190}$/,
                    'to is not one email address'),
                marker: self._fitting(body.marker, /^[A-Za-z0-9-]{8,64}$/,
                    'marker is not 8 to 64 letters, digits and hyphens')
            };
        });
    },

    /** The role comes before the inputs: who may not ask learns nothing about the API either. */
    _answer: function (response, readInputs) {
        var result;
        try {
            this._requireRole();
            result = new SmtpOAuthHealth().run(readInputs());
        } catch (problem) {
            this._refuse(response, problem && problem.status ? problem :
                this._refusal(500, 'The check failed', 'An exception; nothing was sent'));
            return;
        }
        response.setBody(result);
    },

    _requireRole: function () {
        var role = this._attempt('gs.getCurrentScopeName', function () {
            return gs.getCurrentScopeName();
        }) + '.user';
        // The platform says yes to administrators whatever the role.
        var has = this._attempt('gs.hasRole', function () {
            return gs.hasRole(role);
        });
        if (String(has) !== 'true') {
            throw this._refusal(403, 'The role ' + role + ' is missing',
                'Only its holders and administrators may ask this application');
        }
    },

    /** The object that was sent; the platform parses JSON itself, and throws where it cannot. */
    _body: function (request) {
        var body;
        try {
            body = request.body.data;
        } catch (notJson) {
            body = null;
        }
        if (body === null || body === undefined || typeof body !== 'object') {
            throw this._refusal(400, 'The request was not understood', 'Its body is no JSON object');
        }
        return body;
    },

    _account: function (value) {
        return this._fitting(value, /^[0-9a-f]{32}$/, 'account is not the sys_id of one record');
    },

    /** A parameter comes as a list of its values: two of them do not fit any pattern. */
    _fitting: function (value, pattern, otherwise) {
        var text = (value === null || value === undefined) ? '' : String(value);
        if (!pattern.test(text)) {
            throw this._refusal(400, 'The request was not understood', otherwise);
        }
        return text;
    },

    /** Calls the platform, so that a failure names the method and nothing else. */
    _attempt: function (method, call) {
        try {
            return call();
        } catch (problem) {
            throw this._refusal(500, 'The check failed',
                method + ' is missing on this instance or failed; see that the cross-scope' +
                ' privileges of this application are allowed');
        }
    },

    _refusal: function (status, message, detail) {
        return {status: status, message: message, detail: detail};
    },

    _refuse: function (response, refusal) {
        var error = new sn_ws_err.ServiceError();
        error.setStatus(refusal.status);
        error.setMessage(refusal.message);
        error.setDetail(refusal.detail);
        response.setError(error);
    },

    type: 'SmtpOAuthRest'
};
