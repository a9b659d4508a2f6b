'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { Engine, MartletError, codes, engine, receiver, sign, take, verify, version } = require('./helpers.js');

const nowhere = { url: 'http://127.0.0.1:9/', events: ['*'] };

test('an error has class, code, number, message and the line that asked', async (t) => {
  assert.throws(() => new Engine({ nonsense: 1 }), (error) => {
    assert.ok(error instanceof MartletError && error instanceof Error);
    assert.equal(error.name, 'MartletError');
    assert.equal(error.code, 'INVALID_DOCUMENT');
    assert.equal(error.number, codes.INVALID_DOCUMENT);
    assert.match(error.message, /^unknown key "nonsense"/);
    assert.match(error.stack.split('\n')[1], /new Engine/);
    return true;
  });
  async function myFunction() {
    await engine(t).webhooks.get('wh_none');
  }
  await assert.rejects(myFunction(), (error) => error.code === 'NOT_FOUND' && error.stack.includes('async myFunction'));
});

test('a configuration is an object, text, bytes, or left out', async () => {
  const text = '{"lanes":1}';
  const nothing = new DataView(new ArrayBuffer(0));
  for (const configuration of [{ lanes: 1 }, text, Buffer.from(text), nothing, undefined, null]) {
    const opened = new Engine(configuration);
    assert.equal(opened.stats().state, 'open');
    opened.free();
  }
  assert.throws(() => new Engine('{"lanes":'), { code: 'INVALID_JSON' });
  assert.throws(() => new Engine(Buffer.from([0x7b, 0xff, 0x7d])), { code: 'INVALID_JSON' });
  assert.throws(() => new Engine(7), { code: 'INVALID_DOCUMENT' });
});

test('Engine.open gives an engine, or rejects', async () => {
  const opened = await Engine.open({ environment: 'development' });
  assert.ok(opened instanceof Engine);
  assert.match(opened.push('call.placed', {}), /^evt_/);
  await opened.close();
  await assert.rejects(Engine.open({ lanes: -1 }), { code: 'INVALID_DOCUMENT' });
});

test('an engine needs `new`, and its methods need an engine', () => {
  assert.throws(() => Engine({}), TypeError);
  assert.throws(() => Engine.prototype.push.call({}, 'call.placed', {}), TypeError);
});

test('data goes in as value, text and bytes of every kind, and arrives untouched', async (t) => {
  const { url, requests } = await receiver(t);
  const sender = engine(t, { payloadFormat: 'raw', ordering: 'strict' });
  await sender.webhooks.create({ url, events: ['*'] });
  const long = `"${'ü'.repeat(100_000)}"`;
  const odd = Buffer.from('xx[ 1.0 ]xx');
  const pushed = [
    [{ a: [1, null] }, '{"a":[1,null]}'],
    [null, 'null'],
    [0, '0'],
    ['{ "b" : 2 }', '{ "b" : 2 }'],
    [Buffer.from('{ "c" : 3.0 }'), '{ "c" : 3.0 }'],
    [new Uint8Array([0x5b, 0x5d]), '[]'],
    [new Uint8Array(odd.buffer, odd.byteOffset + 2, 7), '[ 1.0 ]'],
    [long, long],
  ];
  for (const [data] of pushed) sender.push('call.completed', data);
  await take(sender, 2 * pushed.length);
  assert.deepEqual(requests.map(({ body }) => body.toString()), pushed.map(([, text]) => text));
});

test('texts of every length around the fast path stay whole', (t) => {
  const sender = engine(t, { outcomes: 'off' });
  for (let length = 4080; length < 4110; length++) {
    for (const character of ['a', 'ü', '€', '🦜']) {
      sender.push('call.placed', `"${character.repeat(length / Buffer.byteLength(character))}"`);
    }
  }
  assert.throws(() => sender.push('a'.repeat(5000), {}), { code: 'INVALID_ARGUMENT' });
});

test('what cannot be JSON is refused, not sent', (t) => {
  const sender = engine(t);
  const notUTF8 = Buffer.from([0x22, 0xff, 0x22]);
  for (const data of [undefined, () => 1, Symbol.iterator, '', 'hello', Buffer.alloc(0), notUTF8]) {
    assert.throws(() => sender.push('call.placed', data), { code: 'INVALID_JSON' });
  }
  assert.throws(() => sender.push('call.placed', 1n), TypeError);
  assert.throws(() => sender.push(7, {}), { code: 'INVALID_ARGUMENT' });
  assert.throws(() => sender.push(), MartletError);
  assert.equal(sender.stats().events.accepted, 0);
});

test('tags come back, the largest too', async (t) => {
  const sender = engine(t, { outcomes: 'events' });
  const largest = 18446744073709551615n;
  for (const tag of [undefined, 0, 7, Number.MAX_SAFE_INTEGER, 8n, largest]) sender.push('call.placed', {}, tag);
  assert.deepEqual((await take(sender, 6)).map(({ tag }) => tag), [0, 0, 7, Number.MAX_SAFE_INTEGER, 8, largest]);
  for (const tag of [-1, 1.5, NaN, 2 ** 53, -1n, largest + 1n, '7', null]) {
    const refused = { code: 'INVALID_ARGUMENT', message: /^tag must be a whole number/ };
    assert.throws(() => sender.push('call.placed', {}, tag), refused);
  }
});

test('an event can have fields of its own, and its data stays what it is', async (t) => {
  const { url, requests } = await receiver(t);
  const sender = engine(t, { outcomes: 'events' });
  await sender.webhooks.create({ url, events: ['*'], tenant: 'one', ordering: 'strict' });
  const fields = { tenant: 'one', headers: { traceparent: '00-1' }, createdAt: '2025-12-08T10:30:00Z' };
  assert.equal(sender.push('call.placed', { a: 1 }, { ...fields, id: 'mine', tag: 18446744073709551615n }), 'mine');
  assert.equal(sender.push('call.placed', { a: 1 }, { ...fields, id: 'mine' }), 'mine');
  const made = sender.push('call.placed', Buffer.from('{ "b" : 2.0 }'), { ...fields, tag: 5 });
  assert.match(made, /^evt_/);
  assert.equal(await sender.pushAsync('call.placed', '{\n  "c": "\\n"\n}', { ...fields, id: 'third' }), 'third');
  assert.match(await sender.pushAsync('call.placed', {}, 9), /^evt_/);
  const taken = await take(sender, 4);
  const tagsById = Object.fromEntries(taken.map(({ eventId, tag }) => [eventId, tag]));
  assert.deepEqual([tagsById.mine, tagsById[made], tagsById.third], [18446744073709551615n, 5, 0]);
  assert.ok(taken.some(({ tag }) => tag === 9));
  const frame = '{"eventType":"call.placed","createdAt":"2025-12-08T10:30:00Z","data":';
  const sent = ['{"a":1}', '{ "b" : 2.0 }', '{   "c": "\\n" }'].map((data) => `${frame}${data}}`);
  assert.deepEqual(requests.map(({ body }) => body.toString()), sent);
  assert.equal(requests[0].headers.traceparent, '00-1');

  const refused = (data, more, error) => assert.throws(() => sender.push('call.placed', data, more), error);
  refused({}, { idd: 'x' }, { code: 'INVALID_DOCUMENT', message: /"idd"; did you mean "id"/ });
  refused({}, { tag: -1 }, { code: 'INVALID_DOCUMENT' });
  refused('"line\nend"', { tenant: 'one' }, { code: 'INVALID_JSON' });
  // Data cannot bring fields.
  const whole = '{"eventType":"call.placed","data":1}';
  for (const data of ['1,"tenant":"one"', `1}\n${whole.slice(0, -1)}`, `${whole}\n{}`]) {
    refused(data, { id: 'x' }, { code: 'INVALID_JSON', number: codes.INVALID_JSON });
    refused(Buffer.from(data), { id: 'x' }, { code: 'INVALID_JSON' });
  }
  refused(Buffer.from('"\xff"', 'latin1'), { id: 'x' }, { code: 'INVALID_JSON' });
  refused(undefined, {}, { code: 'INVALID_JSON' });
  await assert.rejects(sender.pushAsync('no.such', {}), { code: 'UNKNOWN_EVENT_TYPE' });
});

test('many events go in as objects, lines and bytes, mixed too', async (t) => {
  const sender = engine(t);
  const line = '{"eventType":"call.placed","data":1}';
  assert.deepEqual(sender.pushMany([{ eventType: 'call.placed', data: 1 }, line]), { accepted: 2, duplicates: 0 });
  const mixed = [{ eventType: 'call.placed', data: 1 }, line, Buffer.from(line)];
  assert.deepEqual(sender.pushMany(mixed), { accepted: 3, duplicates: 0 });
  assert.deepEqual(sender.pushMany(`${line}\n${line}\n`), { accepted: 2, duplicates: 0 });
  assert.deepEqual(sender.pushMany(Buffer.from(line)), { accepted: 1, duplicates: 0 });
  assert.deepEqual(sender.pushMany([]), { accepted: 0, duplicates: 0 });
  assert.deepEqual(await sender.pushManyAsync([line, line]), { accepted: 2, duplicates: 0 });
  const own = { eventType: 'call.placed', data: 1, id: 'mine' };
  assert.deepEqual(sender.pushMany([own, own]), { accepted: 1, duplicates: 1 });
});

test('a refused event tells how far the others came', async (t) => {
  const sender = engine(t);
  const good = { eventType: 'call.placed', data: 1, id: 'one' };
  const expected = { code: 'UNKNOWN_EVENT_TYPE', accepted: 1, duplicates: 1, message: /line 3/ };
  assert.throws(() => sender.pushMany([good, good, { eventType: 'no.such', data: 1 }, good]), expected);
  const bad = '{"eventType":"no.such","data":1}';
  await assert.rejects(sender.pushManyAsync([{ ...good, id: 'two' }, good, bad]), expected);
  assert.throws(() => sender.pushMany([undefined]), { code: 'INVALID_JSON', accepted: 0 });
});

test('bytes given to a promise may be used again at once', async (t) => {
  const sender = engine(t);
  const bytes = Buffer.from('{"url":"http://127.0.0.1:9/","events":["call.*"]}');
  const creating = sender.webhooks.create(bytes);
  bytes.fill(0);
  assert.deepEqual((await creating).events, ['call.*']);
});

test('listings go page after page', async (t) => {
  const sender = engine(t, { outcomes: 'off' });
  for (const description of '01234') await sender.webhooks.create({ ...nowhere, description });
  const all = async (list) => {
    const found = [];
    for await (const { description } of list) found.push(description);
    return found.join('');
  };
  assert.equal(await all(sender.webhooks), '01234');
  assert.equal(await all(sender.webhooks.list({ limit: 2 })), '01234');
  assert.equal(await all(sender.webhooks.list('{"limit":2}')), '01234');
  assert.equal(await all(sender.webhooks.list(Buffer.from('{"limit":2}'))), '01234');
  const page = await sender.webhooks.listPage({ limit: 3 });
  assert.equal(page.webhooks.length, 3);
  assert.equal((await sender.webhooks.listPage({ cursor: page.cursor })).cursor, null);
});

test('many calls at once all come back', async (t) => {
  const sender = engine(t, { outcomes: 'off' });
  const created = await Promise.all(
    Array.from({ length: 200 }, (_, i) => sender.webhooks.create({ ...nowhere, description: `${i}` })));
  assert.deepEqual(created.map(({ description }) => description), Array.from({ length: 200 }, (_, i) => `${i}`));
  await Promise.all(created.map(({ id }) => sender.webhooks.delete(id)));
  assert.equal(sender.stats().webhooks, 0);
});

test('close is idempotent, also at the same time; afterwards there is CLOSED, and reading goes on', async (t) => {
  const sender = engine(t);
  const { id } = await sender.webhooks.create({ ...nowhere, events: ['workflow.*'] });
  // One of the two may find the other still waiting.
  const closed = (closing) => closing.catch(({ code }) => assert.equal(code, 'TIMED_OUT'));
  await Promise.all([closed(sender.close()), closed(sender.close())]);
  await sender.close();
  assert.throws(() => sender.push('call.placed', {}), { code: 'CLOSED', number: codes.CLOSED });
  await assert.rejects(sender.webhooks.create(nowhere), { code: 'CLOSED' });
  assert.equal((await sender.webhooks.get(id)).id, id);
  assert.equal(sender.stats().state, 'closed');
});

test('after free there is CLOSED for everything, twice too', async (t) => {
  const sender = engine(t);
  sender.free();
  sender.free();
  assert.throws(() => sender.push('call.placed', {}), { code: 'CLOSED' });
  assert.throws(() => sender.stats(), { code: 'CLOSED' });
  await assert.rejects(sender.webhooks.get('wh_x'), { code: 'CLOSED' });
  await assert.rejects(sender.flush(0), { code: 'CLOSED' });
  assert.throws(() => sender.outcomes(), { code: 'CLOSED' });
});

test('times are milliseconds; what is no time is refused and closes nothing', async (t) => {
  const sender = engine(t);
  await sender.webhooks.create({ ...nowhere, retry: { delaysSeconds: [3600] } });
  sender.push('call.placed', {});
  for (const time of [NaN, '5', null, {}, -1, -0.5]) {
    await assert.rejects(sender.flush(time), { code: 'INVALID_ARGUMENT' });
    await assert.rejects(sender.close(time), { code: 'INVALID_ARGUMENT' });
  }
  await assert.rejects(sender.flush(1), { code: 'TIMED_OUT' });
  sender.push('call.placed', {});
  const flushing = sender.flush(Infinity);
  await sender.cancelAll();
  await flushing;
});

test('`using` and `await using` close where Node has the symbols', { skip: !Symbol.asyncDispose }, async () => {
  const first = new Engine({ environment: 'development' });
  await first[Symbol.asyncDispose]();
  assert.throws(() => first.push('call.placed', {}), { code: 'CLOSED' });
  const second = new Engine({ environment: 'development' });
  second[Symbol.dispose]();
  assert.throws(() => second.stats(), { code: 'CLOSED' });
});

test('numbers are read at once', (t) => {
  const sender = engine(t);
  sender.push('call.placed', {});
  assert.equal(sender.stats().version, version);
  assert.match(sender.metrics(), /^martlet_events_accepted_total 1$/m);
  assert.ok(sender.eventTypes().some(({ eventType, sample }) => eventType === 'call.completed' && sample.callId));
});

test('a receiver sees the binding in the user agent', async (t) => {
  const { url, requests } = await receiver(t);
  const sender = engine(t);
  await sender.webhooks.create({ url, events: ['*'] });
  sender.push('call.placed', {});
  await sender.flush(10_000);
  const agent = requests[0].headers['user-agent'];
  assert.ok(agent.startsWith('Martlet/') && agent.endsWith(` martlet-node/${version}`), agent);
});

test('bytes as fetch gives them, and events of any iterable', async (t) => {
  const { url, requests } = await receiver(t);
  const sender = engine(t, { outcomes: 'events' });
  await sender.webhooks.create({ url, events: ['*'], payloadFormat: 'raw' });
  const { buffer } = new TextEncoder().encode('{"a":1}');
  sender.push('call.placed', buffer);
  sender.push('call.placed', buffer, { id: 'own' });
  await take(sender, 2);
  assert.deepEqual(requests.map(({ body }) => body.toString()), ['{"a":1}', '{"a":1}']);

  const event = (data) => ({ eventType: 'call.placed', data });
  assert.deepEqual(sender.pushMany(new Set([event(1), JSON.stringify(event(2))])), { accepted: 2, duplicates: 0 });
  function* events() {
    for (let i = 0; i < 3; i++) yield event(i);
  }
  assert.equal((await sender.pushManyAsync(events())).accepted, 3);
  assert.equal(sender.pushMany(new TextEncoder().encode(JSON.stringify(event(1))).buffer).accepted, 1);
  assert.equal(sender.pushMany([]).accepted, 0);
  await take(sender, 6);

  const secret = 'whsec_bWFydGxldCBiaW5kaW5ncywgc2VjcmV0IG9uZS4uLi4=';
  const now = 1764585000;
  const signature = sign(secret, 'evt_1', now, buffer);
  assert.equal(signature, sign(secret, 'evt_1', now, '{"a":1}'));
  // However the names are spelled.
  verify(secret, { 'Webhook-Id': 'evt_1', 'webhook-timestamp': `${now}`, 'WEBHOOK-SIGNATURE': signature }, buffer, { now });
});

test('closing what was freed does nothing', async (t) => {
  const sender = engine(t);
  sender.free();
  sender.free();
  await sender.close();
  if (Symbol.asyncDispose) await sender[Symbol.asyncDispose]();
  assert.throws(() => sender.push('call.placed', 1), { code: 'CLOSED' });
});
