'use strict';

// Runs the shared cases, ../cases.json, through the Node binding. ../README.md says what the steps and matchers mean.
//
//   MARTLET_RECEIVER=http://127.0.0.1:PORT node cases.js
//
// The binding is the package `martlet` as it is installed where this runs.

const { mkdtempSync, readFileSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { isDeepStrictEqual } = require('node:util');
const { Engine, MartletError, sign, verify } = require(require.resolve('martlet', { paths: [process.cwd()] }));

const receiver = process.env.MARTLET_RECEIVER;
const NO_OUTCOME = AbortSignal.timeout.bind(AbortSignal, 20_000);

async function collect(iterable) {
  const all = [];
  for await (const one of iterable) all.push(one);
  return all;
}

const byIds = (a, b) => {
  for (const key of ['kind', 'eventId', 'deliveryId']) {
    if (a[key] !== b[key]) return a[key] < b[key] ? -1 : 1;
  }
  return 0;
};

/** One function for each operation: the run, with its engine, and the step's argument. */
const operations = {
  open: async (run, configuration) => {
    run.engine?.free();
    run.engine = new Engine(configuration);
    return null;
  },
  beside: async (run, configuration) => (await Engine.open(configuration)).free(),
  create: (run, webhook) => run.engine.webhooks.create(webhook),
  get: (run, id) => run.engine.webhooks.get(id),
  list: async (run, query) => ({ webhooks: await collect(run.engine.webhooks.list(query)) }),
  check: (run, [id, webhook]) => run.engine.webhooks.check(webhook, id ?? undefined),
  update: (run, [id, change]) => run.engine.webhooks.update(id, change),
  delete: (run, id) => run.engine.webhooks.delete(id),
  enable: (run, id) => run.engine.webhooks.enable(id),
  disable: (run, id) => run.engine.webhooks.disable(id),
  secrets: async (run, id) => ({ secrets: await run.engine.webhooks.secrets(id) }),
  rotate: async (run, [id, request]) => ({ secrets: await run.engine.webhooks.rotateSecret(id, request) }),
  test: (run, [id, request]) => run.engine.webhooks.test(id, request),
  push: async (run, { type, data, tag }) => ({ id: run.engine.push(type, data, tag) }),
  pushText: async (run, { type, text }) => ({ id: run.engine.push(type, Buffer.from(text)) }),
  pushUntil: async (run, { type, bytes, most }) => {
    for (let i = 0; i < most; i++) run.engine.push(type, JSON.stringify('x'.repeat(bytes)));
  },
  pushMany: async (run, events) => run.engine.pushMany(events),
  addType: (run, type) => run.engine.addEventType(type),
  eventTypes: async (run) => ({ eventTypes: run.engine.eventTypes() }),
  flush: (run, milliseconds) => run.engine.flush(milliseconds),
  close: (run, milliseconds) => run.engine.close(milliseconds),
  outcomes: async (run, count) => {
    const taken = [];
    for await (const outcome of run.engine.outcomes({ signal: NO_OUTCOME() })) {
      if (taken.push(outcome) === count) break;
    }
    return taken.sort(byIds);
  },
  deliveries: async (run, query) => ({ deliveries: await collect(run.engine.deliveries(query)) }),
  delivery: (run, id) => run.engine.delivery(id),
  redeliver: async (run, id) => ({ id: await run.engine.redeliver(id) }),
  replay: (run, query) => run.engine.replay(query),
  cancel: (run, id) => run.engine.cancel(id),
  cancelAll: async (run, query) => ({ canceled: await run.engine.cancelAll(query) }),
  received: async (run, wanted) => ({ requests: await (await fetch(`${receiver}/requests${wanted}`)).json() }),
  stats: async (run) => run.engine.stats(),
  metrics: async (run) => ({ text: run.engine.metrics() }),
  sign: async (run, { secret, id, timestamp, body }) => ({ signature: sign(secret, id, timestamp, body) }),
  verify: async (run, { secret, id, timestamp, signature, body, toleranceSeconds, now }) => {
    const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature };
    verify(secret, headers, body, { toleranceSeconds, now });
  },
};

/** The value with every `${...}` filled in from what was saved. */
function filled(value, saved) {
  const look = (name) => name.split('.').reduce((found, key) => found?.[key], saved);
  if (typeof value === 'string') {
    const whole = /^\$\{([^}]*)\}$/.exec(value);
    return whole ? look(whole[1]) : value.replace(/\$\{([^}]*)\}/g, (_, name) => look(name));
  }
  if (Array.isArray(value)) return value.map((item) => filled(item, saved));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, filled(item, saved)]));
}

const matchers = {
  $contains: (text, found) => typeof found === 'string' && found.includes(text),
  $matches: (pattern, found) => typeof found === 'string' && new RegExp(pattern, 'u').test(found),
  $length: (length, found) => (typeof found === 'string' ? [...found] : Object.keys(found ?? {})).length === length,
  $any: (_, found) => found !== undefined,
};

/** What does not match, as a text; undefined when all does. */
function mismatch(expected, found, place) {
  const differs = `${place}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(found)}`;
  if (expected === null || typeof expected !== 'object') {
    return isDeepStrictEqual(expected, found) ? undefined : differs;
  }
  if (Array.isArray(expected)) {
    if (!Array.isArray(found) || found.length !== expected.length) return differs;
    return expected.map((item, index) => mismatch(item, found[index], `${place}.${index}`)).find(Boolean);
  }
  const [[key, argument] = []] = Object.entries(expected);
  if (Object.hasOwn(matchers, key ?? '')) return matchers[key](argument, found) ? undefined : differs;
  if (found === null || typeof found !== 'object') return differs;
  for (const [name, item] of Object.entries(expected)) {
    if (!Object.hasOwn(found, name)) return `${place}.${name} is missing`;
    const why = mismatch(item, found[name], `${place}.${name}`);
    if (why) return why;
  }
  return undefined;
}

/** Runs one step and tells what is wrong, or undefined. */
async function runStep(run, step) {
  const name = Object.keys(step).find((key) => !['save', 'expect', 'error'].includes(key));
  if (!Object.hasOwn(operations, name)) return `no operation "${name}"`;
  let result;
  try {
    result = (await operations[name](run, filled(step[name], run.saved))) ?? null;
  } catch (error) {
    if (!(error instanceof MartletError)) return `${name}: ${error.stack}`;
    if (!step.error) return `${name}: ${error.code}: ${error.message}`;
    const { name: code, contains = '' } = filled(step.error, run.saved);
    if (error.code === code && error.message.includes(contains)) return undefined;
    return `${name}: expected ${JSON.stringify(step.error)}, got ${error.code}: ${error.message}`;
  }
  if (step.error) return `${name}: expected ${step.error.name}, but it succeeded`;
  if (step.save) run.saved[step.save] = result;
  return 'expect' in step ? mismatch(filled(step.expect, run.saved), result, name) : undefined;
}

async function runCase(test) {
  const folder = mkdtempSync(path.join(tmpdir(), 'martlet-case-'));
  const run = { engine: undefined, saved: { receiver, directory: path.join(folder, 'journal') } };
  try {
    for (const [index, step] of test.steps.entries()) {
      const why = await runStep(run, step);
      if (why) return `step ${index + 1}: ${why}`;
    }
    return undefined;
  } finally {
    await run.engine?.close(0).catch(() => {});
    run.engine?.free();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function main() {
  const { cases } = JSON.parse(readFileSync(path.join(__dirname, '..', 'cases.json'), 'utf8'));
  let failed = 0;
  for (const test of cases) {
    const why = await runCase(test);
    if (why) failed++;
    console.log(why ? `not ok ${test.name} (${why.replaceAll('\n', ' ')})` : `ok ${test.name}`);
  }
  console.log(`${cases.length - failed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

main();
