// How states look and read, the same on every page.
import { tag } from './dom.js';

const STATES = {
  pending: ['Waiting', 'warn'], inFlight: ['In flight', 'busy'], succeeded: ['Succeeded', 'good'],
  failed: ['Failed', 'bad'], expired: ['Expired', 'bad'], canceled: ['Canceled', ''],
};
export const state = name => tag(...(STATES[name] || [name, '']));

const FAILURES = {
  dns: 'name not found', address_refused: 'address refused', connect: 'no connection', tls: 'TLS failed',
  certificate: 'certificate not trusted', timeout: 'timed out', connection_lost: 'connection lost',
  bad_response: 'no HTTP answer', http_status: 'refused by status', local: 'local shortage',
  circuit_open: 'not tried, breaker open', backlog_full: 'not tried, backlog full',
};
export const failure = name => FAILURES[name] || name;

const REASONS = {
  host: 'switched off', gone: 'receiver answered 410 Gone', receiver_asked: 'receiver asked to be left alone',
  failing: 'failed for too long', refused: 'URL not accepted here',
};
export const disabledReason = webhook => REASONS[webhook.disabled?.reason] || 'switched off';

const BREAKERS = { closed: ['Breaker closed', ''], open: ['Breaker open', 'bad'], halfOpen: ['Breaker probing', 'warn'], ramp: ['Recovering', 'warn'] };
export const breaker = name => tag(...(BREAKERS[name] || [name, '']));
