'use strict';

// Martlet's own messages, out of the event loop.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { engine, program, receiver } = require('./helpers.js');

/** Hears messages, and waits for one with this text. */
function hearing() {
  const messages = [];
  let check = () => {};
  return {
    messages,
    listener: (message) => {
      messages.push(message);
      check();
    },
    next: (text) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`no message says ${text}: ${JSON.stringify(messages)}`)), 20_000);
        check = () => {
          const found = messages.find((message) => message.text.includes(text));
          if (found === undefined) return;
          clearTimeout(timer);
          resolve(found);
        };
        check();
      }),
  };
}

test('messages are heard while the engine runs, and the last one before close is settled', async (t) => {
  const { url } = await receiver(t, () => 410);
  const sender = engine(t, { retry: { delaysSeconds: [] } });
  const heard = hearing();
  sender.onLog(heard.listener, 'debug');
  const { id } = await sender.webhooks.create({ url, events: ['*'] });
  const registered = await heard.next(`${id} is registered`);
  assert.equal(registered.level, 'info');
  assert.ok(Math.abs(registered.time - Date.now()) < 60_000);
  sender.push('call.placed', {});
  assert.equal((await heard.next('attempt 1 ended')).level, 'debug');
  assert.equal((await heard.next(`${id} is disabled`)).level, 'warning');
  await sender.close();
  assert.equal(heard.messages.at(-1).text, 'the engine is closed');
});

test('levels and listeners change, and what they may not be is said', async (t) => {
  const sender = engine(t);
  const unreachable = { url: 'http://127.0.0.1:9/', events: ['*'] };
  const first = hearing();
  const second = hearing();
  sender.onLog(null);
  sender.onLog(first.listener, 'warning');
  await sender.webhooks.create(unreachable);
  sender.onLog(second.listener);
  const { id } = await sender.webhooks.create(unreachable);
  assert.match((await second.next('is registered')).text, new RegExp(id));
  sender.onLog(null);
  await sender.webhooks.create(unreachable);
  await sender.close();
  assert.deepEqual([first.messages.length, second.messages.length], [0, 1]);
  assert.throws(() => sender.onLog('console'), TypeError);
  assert.throws(() => sender.onLog(first.listener, 'loud'), /error, warning, info, debug/);
  sender.free();
  assert.throws(() => sender.onLog(first.listener), { code: 'CLOSED' });
});

test('a listener may close and free the engine', async (t) => {
  const sender = engine(t);
  const ended = new Promise((resolve) => {
    sender.onLog(() => sender.close(0).catch(() => {}).then(() => sender.free()).then(resolve));
  });
  await sender.webhooks.create({ url: 'http://127.0.0.1:9/', events: ['*'] });
  await ended;
});

async function ends(code, expected) {
  const ended = await program(code, '--expose-gc');
  assert.deepEqual([ended.printed, ended.status, ended.signal], [expected, 0, null], ended.complaints);
}

test('listening keeps no process alive', () =>
  ends(`
    const engine = new Engine(development);
    engine.onLog(({ level }) => console.log(level));
    await engine.webhooks.create(unreachable);
    await new Promise((resolve) => setTimeout(resolve, 50));
  `, 'info'));

test('a forgotten engine that is listened to is collected, with its threads', () =>
  ends(`
    const { readdirSync } = require('node:fs');
    const count = () => readdirSync('/proc/self/task').length;
    Engine;
    const before = count();
    (() => {
      const engine = new Engine(development);
      engine.onLog(() => {});
    })();
    while (count() > before) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    console.log('gone');
  `, 'gone'));

test('an error that a listener throws is not caught by anybody', async () => {
  const ended = await program(`
    const engine = new Engine(development);
    engine.onLog(() => { throw new Error('mine'); });
    process.on('uncaughtException', (error) => { console.log(error.message); process.exit(0); });
    await engine.webhooks.create(unreachable);
    setTimeout(() => {}, 10_000);
  `);
  assert.deepEqual([ended.printed, ended.status], ['mine', 0], ended.complaints);
});

test('a worker listens to its own engine, and is terminated while it does', () =>
  ends(`
    const { Worker } = require('node:worker_threads');
    const worker = new Worker(\`
      const { parentPort } = require('node:worker_threads');
      const { Engine } = require(\${JSON.stringify(file)});
      const engine = new Engine({ environment: 'development' });
      engine.onLog(({ text }) => parentPort.postMessage(text.includes('is registered')));
      engine.webhooks.create({ url: 'http://127.0.0.1:9/', events: ['*'] });
      setInterval(() => {}, 1000);
    \`, { eval: true });
    console.log(await new Promise((resolve) => worker.once('message', resolve)));
    await worker.terminate();
    console.log('terminated');
  `, 'true\nterminated'));
