'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { engine, receiver, take } = require('./helpers.js');

const tags = (outcomes) => outcomes.map(({ tag }) => tag);
const numbers = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);

test('an outcome tells all there is to tell', async (t) => {
  const { url } = await receiver(t, () => 410);
  const sender = engine(t);
  const webhook = await sender.webhooks.create({ url, events: ['*'] });
  const before = Date.now();
  const eventId = sender.push('call.placed', {}, 5);
  const found = Object.fromEntries((await take(sender, 3)).map((outcome) => [outcome.kind, outcome]));
  const { settledAt, deliveryId, ...delivery } = found.delivery;
  assert.ok(Math.abs(settledAt - before) < 20_000);
  assert.match(deliveryId, /^dlv_/);
  assert.deepEqual(delivery, {
    kind: 'delivery', state: 'failed', failure: 'httpStatus', tag: 5, attempts: 1, httpStatus: 410, deliveries: 1,
    succeeded: 0, eventId, webhookId: webhook.id, failingSince: null, reason: 'none',
  });
  const { event } = found;
  assert.deepEqual([event.eventId, event.state, event.deliveries, event.deliveryId], [eventId, 'failed', 1, '']);
  const notice = found.webhookDisabled;
  assert.deepEqual([notice.webhookId, notice.reason, notice.state, notice.tag], [webhook.id, 'gone', 'failed', 0]);
  assert.ok(notice.failingSince instanceof Date);
});

test('none is lost when a loop stops and another goes on, across batches', async (t) => {
  const sender = engine(t, { outcomes: 'events' });
  for (let tag = 0; tag < 1000; tag++) sender.push('call.placed', 1, tag);
  assert.deepEqual(tags(await take(sender, 3)), numbers(0, 3));
  assert.deepEqual(tags(await take(sender, 500)), numbers(3, 503));
  assert.deepEqual(tags(await take(sender, 497)), numbers(503, 1000));
});

test('outcomes that come while a loop waits are seen, one after the other', async (t) => {
  const sender = engine(t, { outcomes: 'events' });
  const seen = [];
  sender.push('call.placed', 1, 0);
  for await (const { tag } of sender.outcomes()) {
    seen.push(tag);
    if (tag === 50) break;
    // Now and then from outside the loop, while it waits.
    if (tag % 10 === 0) setTimeout(() => sender.push('call.placed', 1, tag + 1), 1);
    else sender.push('call.placed', 1, tag + 1);
  }
  assert.deepEqual(seen, numbers(0, 51));
});

test('two loops of an engine share its outcomes', async (t) => {
  const sender = engine(t, { outcomes: 'events' });
  const [one, two] = [sender.outcomes(), sender.outcomes()];
  const waiting = [one.next(), two.next(), one.next(), two.next()];
  for (let tag = 0; tag < 4; tag++) sender.push('call.placed', 1, tag);
  assert.deepEqual((await Promise.all(waiting)).map(({ value }) => value.tag).sort(), [0, 1, 2, 3]);
});

test('a loop leaves the event loop time for others', async (t) => {
  const sender = engine(t, { outcomes: 'events' });
  for (let i = 0; i < 5000; i++) sender.push('call.placed', 1);
  let rounds = 0;
  const count = () => {
    rounds++;
    timer = setImmediate(count);
  };
  let timer = setImmediate(count);
  await take(sender, 5000);
  clearImmediate(timer);
  assert.ok(rounds >= 10, `only ${rounds} rounds of the event loop`);
});

test('it ends when the engine is closed and all were taken', async (t) => {
  const sender = engine(t, { outcomes: 'events' });
  const loop = (async () => {
    const seen = [];
    for await (const { tag } of sender.outcomes()) seen.push(tag);
    return seen;
  })();
  for (let tag = 0; tag < 700; tag++) sender.push('call.placed', 1, tag);
  await sender.close();
  assert.deepEqual(await loop, numbers(0, 700));
  assert.deepEqual(await sender.outcomes().next(), { value: undefined, done: true });
});

test('outcomes of a close that ran out of time can be taken after it', async (t) => {
  const sender = engine(t, { outcomes: 'deliveries' });
  await sender.webhooks.create({ url: 'http://127.0.0.1:9/', events: ['*'], retry: { delaysSeconds: [3600] } });
  for (let tag = 0; tag < 3; tag++) sender.push('call.placed', 1, tag);
  await assert.rejects(sender.close(0), { code: 'TIMED_OUT' });
  const states = [];
  for await (const { state } of sender.outcomes()) states.push(state);
  assert.deepEqual(states, ['canceled', 'canceled', 'canceled']);
});

test('of two closes the shorter one counts, and a loop still gets all outcomes before its end', async (t) => {
  const sender = engine(t, { outcomes: 'deliveries' });
  await sender.webhooks.create({ url: 'http://127.0.0.1:9/', events: ['*'], retry: { delaysSeconds: [3600] } });
  sender.push('call.placed', 1);
  const outcomes = sender.outcomes();
  const next = outcomes.next();
  const long = sender.close(20_000);
  while (sender.stats().state === 'open') await new Promise((resolve) => setTimeout(resolve, 1));
  await assert.rejects(sender.close(0), { code: 'TIMED_OUT' });
  assert.equal((await next).value.state, 'canceled');
  await long.catch(({ code }) => assert.equal(code, 'TIMED_OUT'));
  assert.equal((await outcomes.next()).done, true);
});

test('free ends every wait', async (t) => {
  const sender = engine(t);
  await sender.webhooks.create({ url: 'http://127.0.0.1:9/', events: ['*'], retry: { delaysSeconds: [3600] } });
  sender.push('call.placed', 1);
  const waits = [sender.outcomes().next(), sender.flush(600_000), sender.close(600_000)];
  sender.free();
  assert.equal((await waits[0]).done, true);
  await Promise.allSettled(waits);
});

test('a signal ends the wait with its reason, and nothing is lost', async (t) => {
  const sender = engine(t, { outcomes: 'events' });
  const controller = new AbortController();
  const outcomes = sender.outcomes({ signal: controller.signal });
  const waiting = outcomes.next();
  controller.abort(new Error('enough'));
  await assert.rejects(waiting, /enough/);
  await assert.rejects(outcomes.next(), /enough/);
  assert.throws(() => sender.outcomes({ signal: controller.signal }), /enough/);
  sender.push('call.placed', 1, 3);
  assert.deepEqual(tags(await take(sender, 1)), [3]);
});

test('nobody who takes them: the queue fills and says so, and empties again', async (t) => {
  const sender = engine(t, { outcomes: 'events', queue: { maxEvents: 10 } });
  await sender.outcomes().return();
  for (let i = 0; i < 10; i++) sender.push('call.placed', 1);
  assert.throws(() => sender.push('call.placed', 1), { code: 'QUEUE_FULL' });
  await take(sender, 10);
  sender.push('call.placed', 1);
});

test('outcomes that come close together, and are gathered, all come in their order', async (t) => {
  const sender = engine(t, { outcomes: 'events' });
  const taken = take(sender, 1000);
  // One a turn of the event loop, which takes microseconds.
  for (let tag = 0; tag < 1000; tag++) {
    sender.push('call.placed', 1, tag);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual(tags(await taken), numbers(0, 1000));
});

test('while outcomes are gathered the loop can be left, taken up again and ended', async (t) => {
  const sender = engine(t, { outcomes: 'events' });
  for (let round = 0; round < 50; round++) {
    const iterator = sender.outcomes();
    sender.push('call.placed', 1, round);
    assert.equal((await iterator.next()).value.tag, round);
    // The next wait begins within the millisecond.
    const waiting = iterator.next();
    sender.push('call.placed', 1, 1000);
    await new Promise((resolve) => setImmediate(resolve));
    await iterator.return();
    const { done, value } = await waiting;
    if (done) assert.deepEqual(tags(await take(sender, 1)), [1000]);
    else assert.equal(value.tag, 1000);
  }
  const last = sender.outcomes().next();
  sender.push('call.placed', 1, 7);
  await sender.close();
  assert.equal((await last).value.tag, 7);
  assert.deepEqual(await sender.outcomes().next(), { value: undefined, done: true });
});
