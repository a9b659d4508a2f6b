'use strict';

const { isAnyArrayBuffer } = require('node:util/types');
const native = require('./native.js');
require('./error.js');

const secretsText = (secrets) => (Array.isArray(secrets) ? secrets.join(' ') : secrets);

const bytes = (body) => (isAnyArrayBuffer(body) ? new Uint8Array(body) : body);

/** A header out of an object of headers as Node gives it, or out of a Headers object as fetch has it. */
function header(headers, name) {
  if (typeof headers.get === 'function') return headers.get(name) ?? '';
  // Objects from elsewhere may spell the names in another way.
  const given = headers[name] ?? Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
  return given ?? '';
}

function sign(secrets, id, timestamp, body) {
  return native.sign(secretsText(secrets), id, bytes(body), timestamp);
}

function verify(secrets, headers, body, { toleranceSeconds = -1, now = 0 } = {}) {
  native.verify(
    secretsText(secrets),
    header(headers, 'webhook-id'),
    header(headers, 'webhook-timestamp'),
    header(headers, 'webhook-signature'),
    bytes(body),
    now,
    toleranceSeconds,
  );
}

module.exports = { sign, verify };
