'use strict';

// Checks the signature of a webhook request, with what Node brings alone (Standard Webhooks 1.0.0).

const { createHmac, timingSafeEqual } = require('node:crypto');

const TOLERANCE_SECONDS = 5 * 60;

/** The keys of secrets, `whsec_...`, with spaces between. Throws an error that does not show them. */
function readSecrets(text = '') {
  const secrets = text.split(/\s+/).filter(Boolean);
  if (secrets.length === 0) throw new Error('there is no webhook secret');
  return secrets.map((secret) => {
    const base64 = secret.replace(/^whsec_/, '');
    const key = Buffer.from(base64, 'base64');
    // Buffer skips what is no base64; so it is written again and compared.
    if (key.length < 24 || key.length > 64 || key.toString('base64') !== base64) {
      throw new Error('a webhook secret is whsec_ and the base64 of 24 to 64 bytes');
    }
    return key;
  });
}

/**
 * True when `body`, a Buffer with the bytes exactly as received, was signed with one of the keys not long ago. There are
 * several while a secret is being rotated.
 */
function isGenuine(keys, headers, body, now = Date.now() / 1000) {
  const id = headers['webhook-id'] ?? '';
  const timestamp = headers['webhook-timestamp'] ?? '';
  if (id === '' || !/^[0-9]{1,12}$/.test(timestamp)) return false;
  if (Math.abs(now - Number(timestamp)) > TOLERANCE_SECONDS) return false;
  const expected = keys.map((key) => createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest());
  // The sender signs with each secret that it has in use; one that matches is enough.
  let isValid = false;
  for (const token of (headers['webhook-signature'] ?? '').split(' ')) {
    if (!token.startsWith('v1,')) continue;
    const signature = Buffer.from(token.slice(3), 'base64');
    for (const wanted of expected) {
      if (signature.length === wanted.length && timingSafeEqual(signature, wanted)) isValid = true;
    }
  }
  return isValid;
}

module.exports = { isGenuine, readSecrets };
