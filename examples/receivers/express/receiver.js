'use strict';

// A receiver for real use, in Express: lets only signed requests in, takes each event once, answers, then works.
//
// It answers
//   200  stored, or stored before ("duplicate": true)
//   400  signed, but not an event          401  no valid signature          413  too large
//   429  too many requests of one sender, with Retry-After                  503  cannot be stored now
// A sender tries again after 429 and 503. What was answered with 200 is worked on, also after a crash: see inbox.js.
//
// Environment:
//   WEBHOOK_SECRET  the webhook's secret, whsec_...; while it is being rotated the new and the old one, a space between
//   PORT            the port on 127.0.0.1 (3000); 0 takes a free one
//   DATABASE        the SQLite file (receiver.sqlite)
//   RATE_LIMIT      requests of one sender in a minute (100), or of so many seconds: 10/2
//   BODY_LIMIT      the largest body in bytes (1048576)

const express = require('express');
const { Inbox } = require('./inbox.js');
const { rateLimit } = require('./rateLimit.js');
const { isGenuine, readSecrets } = require('./signature.js');
const { Worker } = require('./worker.js');

const EVENT_TYPE = /^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*$/;

class BadRequest extends Error {
  status = 400;
}

function createApp({ inbox, wake, keys, limit, bodyLimit }) {
  const app = express();
  app.disable('x-powered-by');
  const path = '/subverse/webhook';
  // Before all else, since it is the cheapest.
  app.use(path, rateLimit(limit));
  // The signature covers the raw body, of whatever type a request says it is: it is checked before anything is parsed.
  app.use(path, express.raw({ type: () => true, limit: bodyLimit, inflate: false }));

  app.post(path, (req, res) => {
    const body = Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0);
    if (!isGenuine(keys, req.headers, body)) return res.status(401).json({ error: 'bad signature' });
    const event = { id: req.headers['webhook-id'], ...parse(body) };
    let isNew;
    try {
      isNew = inbox.store(event);
    } catch (error) {
      say(`cannot store ${event.id}: ${error.message}`);
      return res.status(503).json({ error: 'cannot be stored now, try again' });
    }
    // The work starts when the answer is out, or its connection is gone.
    res.on('close', wake);
    res.status(200).json({ received: true, eventType: event.eventType, ...(!isNew && { duplicate: true }) });
  });

  // Four parameters tell Express that this is for errors. Those of 400 and above are the sender's, and may be told.
  app.use((error, req, res, next) => {
    if (res.headersSent) return next(error);
    const status = error.status >= 400 && error.status < 500 ? error.status : 500;
    if (status === 500) say(`error: ${error.stack}`);
    res.status(status).json({ error: status === 500 ? 'internal error' : error.message });
  });
  return app;
}

/** The fields of the event in a body, its data as JSON. Throws BadRequest, which names what is wrong. */
function parse(body) {
  let document;
  try {
    document = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw new BadRequest('the body is not JSON');
  }
  if (!isObject(document)) throw new BadRequest('the body must be a JSON object');
  const { eventType, createdAt, data } = document;
  if (typeof eventType !== 'string' || !EVENT_TYPE.test(eventType)) {
    throw new BadRequest('eventType must be words of letters, digits and underscores with dots between');
  }
  const moment = new Date(typeof createdAt === 'string' ? createdAt : NaN);
  if (Number.isNaN(moment.getTime())) throw new BadRequest('createdAt must be a time such as 2025-12-08T10:30:00Z');
  if (!isObject(data)) throw new BadRequest('data must be an object');
  try {
    return { eventType, createdAt: moment.toISOString(), data: JSON.stringify(data) };
  } catch {
    throw new BadRequest('data is nested too deeply');
  }
}

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readLimit(text) {
  const match = /^([1-9]\d{0,8})(?:\/([1-9]\d{0,5}))?$/.exec(text);
  if (!match) throw new Error(`RATE_LIMIT must be requests or requests/seconds, not ${text}`);
  return { max: Number(match[1]), windowMs: Number(match[2] ?? 60) * 1000 };
}

function readBodyLimit(text) {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new Error(`BODY_LIMIT must be a number of bytes, not ${text}`);
  return Number(text);
}

function say(text) {
  console.log(`  [receiver] ${text}`);
}

/** Serves until SIGINT or SIGTERM. */
function run({ SCHEMA, work }, env = process.env) {
  const keys = readSecrets(env.WEBHOOK_SECRET);
  const [limit, bodyLimit] = [readLimit(env.RATE_LIMIT ?? '100'), readBodyLimit(env.BODY_LIMIT ?? '1048576')];
  const inbox = new Inbox(env.DATABASE ?? 'receiver.sqlite', SCHEMA);
  const worker = new Worker(inbox, work, say);
  const wake = () => worker.wake();
  const app = createApp({ inbox, wake, keys, limit, bodyLimit });
  const server = app.listen(env.PORT ?? 3000, '127.0.0.1', () => {
    say(`listening on port ${server.address().port}`);
    wake(); // for what an earlier process left
  });
  server.on('error', fail);
  const end = async () => {
    server.close();
    server.closeAllConnections();
    await worker.stop();
    inbox.close();
  };
  process.once('SIGINT', end).once('SIGTERM', end);
}

function fail(error) {
  console.error(`receiver: ${error.message}; the environment is described in ${__filename}`);
  process.exit(1);
}

module.exports = { run };

if (require.main === module) {
  try {
    run(require('./work.js'));
  } catch (error) {
    fail(error);
  }
}
