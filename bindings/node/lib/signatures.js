'use strict';

const native = require('./native.js');
require('./error.js');

const secretsText = (secrets) => (Array.isArray(secrets) ? secrets.join(' ') : secrets);

/** A header out of an object of headers as Node gives it, or out of a Headers object as fetch has it. */
function header(headers, name) {
  return (typeof headers.get === 'function' ? headers.get(name) : headers[name]) ?? '';
}

function sign(secrets, id, timestamp, body) {
  return native.sign(secretsText(secrets), id, body, timestamp);
}

function verify(secrets, headers, body, { toleranceSeconds = -1, now = 0 } = {}) {
  native.verify(
    secretsText(secrets),
    header(headers, 'webhook-id'),
    header(headers, 'webhook-timestamp'),
    header(headers, 'webhook-signature'),
    body,
    now,
    toleranceSeconds,
  );
}

module.exports = { sign, verify };
