/**
 * Checks an SMTP OAuth email account: can the instance still get an access token for it?
 *
 * run({email_account: sys_id, send_test_to: address or empty, marker: text or empty}) answers with
 *   ok                true if the status is secret_expires or ok
 *   status            the first that fits of error, not_oauth, no_token, inactive,
 *                     secret_expires, ok
 *   message           what was found and what to do next
 *   token_expires_on  end of the new token, UTC, YYYY-MM-DD HH:MM:SS; empty if there is none
 *   secret_days_left  whole days until the client secret ends, negative when it has ended;
 *                     empty if nobody said when
 *   test_queued       true if a test message was queued; that it arrives is not known here
 *   secret_expires_on end of the client secret, UTC, YYYY-MM-DD HH:MM:SS; empty if nobody said when
 *   account           sys_id of the email account that was asked about
 *
 * The marker stands in the subject of the test message, in square brackets, so that it can be found.
 * It always asks the provider for a new token and never looks at a stored one. Neither the token
 * nor the body of a successful answer is returned or logged. It never throws.
 */
var SmtpOAuthHealth = Class.create();
SmtpOAuthHealth.prototype = {

    initialize: function () {
    },

    run: function (inputs) {
        var result = {
            ok: false,
            status: 'error',
            message: '',
            token_expires_on: '',
            secret_days_left: '',
            test_queued: false,
            secret_expires_on: '',
            account: ''
        };
        var found = {said: ''};
        var sendTo = '';
        try {
            sendTo = this._text(inputs && inputs.send_test_to);
            result.account = this._sysId(inputs && inputs.email_account);
            this._check(result.account, result, found);
            if (result.ok && sendTo) {
                this._sendTest(sendTo, this._text(inputs.marker), result, found);
            }
        } catch (problem) {
            result.ok = false;
            result.status = 'error';
            result.test_queued = false;
            result.message = this._problem(problem);
            if (found.said) {
                result.message += ' The provider had said: ' + found.said;
            }
        }
        if (sendTo && !result.ok) {
            result.message += ' No test message was queued, because of this status.';
        }
        return result;
    },

    /** Fills in everything but the test message. */
    _check: function (accountId, result, found) {
        found.scope = this._attempt('gs.getCurrentScopeName', function () {
            return gs.getCurrentScopeName();
        });
        var secret = this._secret(found.scope);
        result.secret_days_left = secret.daysLeft;
        result.secret_expires_on = secret.endsOn;

        var account = this._record('sys_email_account', accountId, 'email account');
        var name = 'email account ' + this._clean(this._value(account, 'name'));
        if (this._value(account, 'type').toLowerCase() !== 'smtp') {
            this._stop('The ' + name + ' is not an SMTP account. Next: choose the account that' +
                ' sends mail.');
        }
        // A profile is only missed where OAuth is used, so this comes before it.
        if (this._value(account, 'authentication').toLowerCase() !== 'oauth2') {
            this._conclude(result, 'not_oauth', ['The ', name, ' does not use OAuth 2.0.',
                ' Next: set its authentication to OAuth 2.0 and choose its OAuth profile.']);
            return;
        }
        var profileId = this._value(account, 'oauth_profile');
        if (!profileId) {
            this._stop('The ' + name + ' names no OAuth profile. Next: choose one in the account;' +
                ' if the field is not there, activate the plugin com.glide.email.oauth first.');
        }
        this._record('oauth_entity_profile', profileId, 'OAuth profile of the email account');

        var answer = this._newToken(accountId, profileId, found);
        if (!answer.granted) {
            this._conclude(result, 'no_token', ['The provider gave no token for the ', name,
                ': ', answer.reason, secret.note,
                ' Next: enter the client secret of the application registry entry on this',
                ' instance (it never comes with an update set), then check tenant, client ID and',
                ' scope.']);
            return;
        }
        result.token_expires_on = answer.expiresOn;
        var valid = 'The ' + name + ' gets new tokens' +
            (answer.expiresOn ? '; this one is valid until ' + answer.expiresOn + ' UTC.' : '.');
        var active = this._value(account, 'active');
        if (active !== '1' && active !== 'true') {
            this._conclude(result, 'inactive', [valid, ' The account is inactive: nothing is sent',
                ' through it.', secret.note, ' Next: activate it when the time has come.']);
        } else if (secret.ends) {
            this._conclude(result, 'secret_expires', [valid, secret.note,
                ' Next: make a new client secret and enter it on this instance.']);
        } else {
            this._conclude(result, 'ok', [valid, secret.note]);
        }
        found.account = account;
    },

    /** What the two properties say about the client secret. */
    _secret: function (scope) {
        var property = scope + '.secret_expires_on';
        var written = this._property(property);
        var warnDays = this._property(scope + '.warn_days');
        warnDays = /^\d{1,5}$/.test(warnDays) ? Number(warnDays) : 30;
        if (!written) {
            return {daysLeft: '', endsOn: '', ends: false, note: ''};
        }
        var end = this._utc(written);
        if (end === null) {
            return {daysLeft: '', endsOn: '', ends: false, note: ' The property ' + property +
                ' is not a time YYYY-MM-DD HH:MM:SS, so the end of the secret is not watched.'};
        }
        var daysLeft = Math.floor((end - this._now()) / 86400000);
        var note = '';
        if (daysLeft < 0) {
            note = ' The client secret ended on ' + written + ' UTC.';
        } else if (daysLeft <= warnDays) {
            note = ' The client secret ends on ' + written + ' UTC, days left: ' + daysLeft + '.';
        }
        return {daysLeft: daysLeft, endsOn: written, ends: daysLeft <= warnDays, note: note};
    },

    _property: function (name) {
        var self = this;
        return this._attempt('gs.getProperty', function () {
            return self._text(gs.getProperty(name, ''));
        });
    },

    /** A record by sys_id; says which of the possible reasons there is if it cannot be read. */
    _record: function (table, sysId, what) {
        if (!sysId) {
            this._stop('No ' + what + ' was given. Next: choose one.');
        }
        var closed = 'The table ' + table + ' cannot be read from this application, or by the' +
            ' user who runs it. Next: allow reading from all application scopes in the' +
            ' application access of the table, and run the flow as System User.';
        var missing = 'The ' + what + ' with the sys_id ' + this._clean(sysId) + ' is missing in ' +
            table + ', or kept from this application. Next: choose one that exists.';
        var record = this._attempt('GlideRecord', function () {
            return new GlideRecord(table);
        });
        var reason = this._attempt('GlideRecord of ' + table, function () {
            if (!record.isValid()) {
                return closed;
            }
            if (record.get(sysId)) {
                return '';
            }
            return record.canRead() ? missing : closed;
        });
        if (reason) {
            this._stop(reason);
        }
        return record;
    },

    _value: function (record, field) {
        var self = this;
        return this._attempt('GlideRecord.getValue', function () {
            return self._text(record.getValue(field));
        });
    },

    /**
     * Asks the provider for a new token, with the grant and the scope of the profile.
     *
     * The requestor is the account, as in the platform's own mail job. The access token stays
     * inside the one function that tells whether it is empty.
     */
    _newToken: function (accountId, profileId, found) {
        var self = this;
        var request = this._attempt('sn_auth.GlideOAuthClientRequest', function () {
            return new sn_auth.GlideOAuthClientRequest();
        });
        this._attempt('GlideOAuthClientRequest.setParameter', function () {
            request.setParameter('oauth_requestor_context', 'sys_email_account');
            request.setParameter('oauth_requestor', accountId);
            request.setParameter('oauth_provider_profile', profileId);
        });
        var client = this._attempt('sn_auth.GlideOAuthClient', function () {
            return new sn_auth.GlideOAuthClient();
        });
        var askedAt = this._now();
        var response = this._attempt('GlideOAuthClient.requestTokenByRequest', function () {
            return client.requestTokenByRequest(null, request);
        });
        if (!response) {
            return {granted: false, reason: 'the platform gave no answer.'};
        }
        found.said = this._attempt('GlideOAuthClientResponse.getErrorMessage', function () {
            return self._clean(response.getErrorMessage());
        });
        var code = this._attempt('GlideOAuthClientResponse.getResponseCode', function () {
            return self._clean(response.getResponseCode());
        });
        var token = this._attempt('GlideOAuthClientResponse.getToken', function () {
            return response.getToken();
        });
        var filled = !!token && this._attempt('GlideOAuthToken.getAccessToken', function () {
            return self._text(token.getAccessToken()) !== '';
        });
        if (found.said || !filled || /^[45]\d\d$/.test(code)) {
            var body = this._attempt('GlideOAuthClientResponse.getBody', function () {
                return self._errorOf(response.getBody());
            });
            return {granted: false, reason: this._reason(code, found.said, body)};
        }
        var seconds = this._attempt('GlideOAuthToken.getExpiresIn', function () {
            return Number(token.getExpiresIn());
        });
        return {granted: true, expiresOn: this._after(askedAt, seconds)};
    },

    /** `error` and `error_description` of a refusal (RFC 6749, section 5.2), and nothing else. */
    _errorOf: function (body) {
        var parsed;
        try {
            parsed = JSON.parse(this._text(body));
        } catch (notJson) {
            return '';
        }
        if (parsed === null || typeof parsed !== 'object') {
            return '';
        }
        var parts = [this._clean(parsed.error), this._clean(parsed.error_description)];
        return (parts[0] && parts[1]) ? parts.join(': ') : parts.join('');
    },

    _reason: function (code, said, body) {
        var parts = [];
        if (code) {
            parts.push('HTTP ' + code);
        }
        if (said) {
            parts.push(said);
        }
        if (body && body !== said) {
            parts.push(body);
        }
        if (!said && !body) {
            parts.push('it gave no reason');
        }
        return parts.join(', ').replace(/[.\s]+$/, '') + '.';
    },

    /** Leaves the platform's own way: the event is answered by a notification of this app. */
    _sendTest: function (sendTo, marker, result, found) {
        if (!/^[^\s@,;<>"]+@[^\s@,;<>"]+$/.test(sendTo)) {
            result.message += ' No test message was queued: send_test_to is not one email address.';
            return;
        }
        if (marker && !/^[A-Za-z0-9-]{8,64}$/.test(marker)) {
            result.message += ' No test message was queued: the marker is not 8 to 64 letters,' +
                ' digits and hyphens.';
            return;
        }
        this._attempt('gs.eventQueue', function () {
            gs.eventQueue(found.scope + '.smtp_oauth.test', found.account, sendTo,
                '[' + (marker || 'test') + ']');
        });
        result.test_queued = true;
        result.message += ' A test message was queued; look whether it arrives.';
    },

    _conclude: function (result, status, sentences) {
        result.status = status;
        result.ok = status === 'ok' || status === 'secret_expires';
        result.message = sentences.join('');
    },

    _stop: function (message) {
        throw {stop: message};
    },

    /** Calls the platform, so that a failure names the method. */
    _attempt: function (method, call) {
        try {
            return call();
        } catch (problem) {
            throw {method: method, problem: problem};
        }
    },

    _problem: function (problem) {
        if (problem && problem.stop) {
            return problem.stop;
        }
        var cause = problem && problem.method ? problem.problem : problem;
        var where = problem && problem.method ? problem.method : 'SmtpOAuthHealth';
        var text = '';
        try {
            text = this._clean((cause && cause.message) || cause);
        } catch (unreadable) {
            text = 'an exception without a text';
        }
        return where + ' is missing on this instance or failed: ' + text + '. Next: see that the' +
            ' cross-scope privileges of this application are allowed and its plugins are active.';
    },

    /** The action hands over the sys_id; whoever holds the record may hand over that. */
    _sysId: function (given) {
        return this._text(given && typeof given.getUniqueValue === 'function' ?
            given.getUniqueValue() : given);
    },

    _text: function (value) {
        return (value === null || value === undefined) ? '' : String(value).trim();
    },

    /** One line, at most 1,000 characters, and nothing in it that looks like a token or secret. */
    _clean: function (value) {
        var self = this;
        return this._text(value)
            .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
            .replace(/(_token|_secret|assertion)(["']?\s*[:=]\s*["']?)[^\s"',;&}]{16,}/gi,
                '$1$2[removed]')
            .replace(/(bearer\s+)[^\s"',;&}]{16,}/gi, '$1[removed]')
            .replace(/\beyJ[A-Za-z0-9_\-]+(\.[A-Za-z0-9_\-]*)*/g, '[removed]')
            .replace(/(https?:\/\/)?[A-Za-z0-9_.~+\/=\-]{32,}/g, function (run, protocol) {
                var parts = protocol ? run.split('/') : [run];
                for (var i = 0; i < parts.length; i++) {
                    parts[i] = self._hidden(parts[i]);
                }
                return parts.join('/');
            })
            .substring(0, 1000);
    },

    /** Long and with a digit is a token or a secret, unless it is a GUID or a sys_id. */
    _hidden: function (part) {
        var known = /^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32})\.?$/i.test(part);
        var suspect = part.length >= 64 || (part.length >= 32 && /\d/.test(part));
        return suspect && !known ? '[removed]' : part;
    },

    /** Milliseconds of a UTC time `YYYY-MM-DD HH:MM:SS`, or null. */
    _utc: function (written) {
        var m = /^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)$/.exec(written);
        if (!m) {
            return null;
        }
        var time = Date.UTC(+m[1], m[2] - 1, +m[3], +m[4], +m[5], +m[6]);
        // Date.UTC carries a 30 February over; written back it is another day.
        return this._format(time) === written ? time : null;
    },

    _format: function (time) {
        return new Date(time).toISOString().replace('T', ' ').substring(0, 19);
    },

    _after: function (time, seconds) {
        return seconds > 0 && seconds < 1e9 ? this._format(time + seconds * 1000) : '';
    },

    _now: function () {
        return new Date().getTime();
    },

    type: 'SmtpOAuthHealth'
};
