'use strict';

// How a process with engines lives and ends. Each program runs in a Node of its own.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { file, program } = require('./helpers.js');

async function ends(code, expected, ...flags) {
  const ended = await program(code, ...flags);
  assert.deepEqual([ended.printed, ended.status, ended.signal], [expected, 0, null], ended.complaints);
  assert.equal(ended.complaints, '');
  return ended;
}

test('a process with an open engine, watched before and not any more, ends when it has nothing to do', async () => {
  await ends(`
    const engine = new Engine(development);
    engine.push('call.placed', 1);
    for await (const outcome of engine.outcomes()) {
      console.log(outcome.kind);
      break;
    }
    engine.push('call.placed', 2);
  `, 'event');
});

test('forgetting to close with work under way ends at once', async () => {
  const { afterOutput } = await ends(`
    const engine = new Engine(development);
    await engine.webhooks.create(unreachable);
    for (let i = 0; i < 1000; i++) engine.push('call.placed', i);
    console.log('done');
  `, 'done');
  assert.ok(afterOutput < 10_000);
});

test('awaiting an outcome keeps the process alive until it comes', async () => {
  await ends(`
    const engine = new Engine(development);
    const webhook = await engine.webhooks.create({ ...unreachable, retry: { delaysSeconds: [0.5] } });
    engine.push('call.placed', 1);
    for await (const { kind, state } of engine.outcomes()) {
      console.log(kind, state);
      if (kind === 'event') break;
    }
  `, 'delivery failed\nevent failed');
});

test('awaiting with ref: false does not keep it alive', async () => {
  await ends(`
    const engine = new Engine(development);
    process.on('exit', () => console.log('exit'));
    for await (const outcome of engine.outcomes({ ref: false })) console.log(outcome);
  `, 'exit');
});

for (const [name, ending, status] of [
  ['process.exit()', 'process.exit(3)', 3],
  ['an error that nobody catches', "setTimeout(() => { throw new Error('mine'); })", 1],
]) {
  test(`${name} ends the process at once, whatever waits`, async () => {
    const ended = await program(`
      const engine = new Engine(development);
      await engine.webhooks.create(unreachable);
      engine.push('call.placed', 1);
      engine.flush(600_000);
      engine.outcomes().next();
      const other = new Engine(development);
      await other.webhooks.create(unreachable);
      other.push('call.placed', 1);
      other.close(600_000);
      console.log('waiting');
      setTimeout(() => { ${ending} }, 50);
    `);
    assert.deepEqual([ended.printed, ended.status, ended.signal], ['waiting', status, null], ended.complaints);
    assert.ok(ended.afterOutput < 10_000);
  });
}

test('waits leave the pool to the files and names of the process', async () => {
  await ends(`
    const engine = new Engine(development);
    await engine.webhooks.create(unreachable);
    engine.push('call.placed', 1);
    const waits = Array.from({ length: 12 }, () => engine.flush(600_000));
    await require('node:fs/promises').readFile('/proc/self/stat');
    console.log('read');
    await engine.cancelAll();
    await Promise.all(waits);
    console.log('flushed');
  `, 'read\nflushed');
});

// A receiver that collects garbage before it answers; nothing in it refers to an engine.
const collecting = `
  const collecting = () => new Promise((resolve) => {
    const server = require('node:http').createServer(async (request, response) => {
      for (let i = 0; i < 10; i++) { gc(); await new Promise((resolve) => setTimeout(resolve, 10)); }
      response.end();
      server.close();
      server.closeAllConnections();
    });
    server.listen(0, '127.0.0.1', () => resolve('http://127.0.0.1:' + server.address().port));
  });
`;

test('a wait holds its engine: the garbage collector does not take it', async () => {
  await ends(`${collecting}
    async function send(url) {
      const engine = new Engine({ ...development, outcomes: 'off' });
      await engine.webhooks.create({ url, events: ['*'] });
      engine.push('call.placed', 1);
      return engine.flush(10_000);
    }
    await send(await collecting());
    console.log('flushed');
  `, 'flushed', '--expose-gc');
});

test('a loop that waits holds its engine', async () => {
  await ends(`${collecting}
    async function send(url) {
      const engine = new Engine({ ...development, outcomes: 'deliveries' });
      await engine.webhooks.create({ url, events: ['*'] });
      engine.push('call.placed', 1, 4);
      for await (const { tag, state } of engine.outcomes()) return [tag, state];
    }
    console.log(await send(await collecting()));
  `, "[ 4, 'succeeded' ]", '--expose-gc');
});

test('forgotten engines are freed: their threads end and their descriptors are closed', async () => {
  await ends(`
    const fs = require('node:fs');
    const count = (what) => fs.readdirSync('/proc/self/' + what).length;
    async function forget() {
      const engine = new Engine(development);
      engine.push('call.placed', 1);
      for await (const outcome of engine.outcomes()) break;
    }
    await forget();
    for (let i = 0; i < 3; i++) { await new Promise(setImmediate); gc(); }
    const [threads, descriptors] = [count('task'), count('fd')];
    for (let i = 0; i < 20; i++) await forget();
    const grown = count('task');
    // Finalizers run in turns of the event loop that the collector chooses.
    for (let i = 0; i < 500 && (count('task') > threads || count('fd') > descriptors); i++) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    console.log(grown > threads, count('task') <= threads, count('fd') <= descriptors);
  `, 'true true true', '--expose-gc');
});

test('workers send, each with its own engine, while the main thread does', async () => {
  await ends(`
    const { Worker } = require('node:worker_threads');
    const code = \`
      const { Engine } = require('${file}');
      (async () => {
        const engine = new Engine({ environment: 'development', outcomes: 'events' });
        for (let i = 0; i < 1000; i++) engine.push('call.placed', i);
        let count = 0;
        for await (const outcome of engine.outcomes()) if (++count === 1000) break;
        try { engine.push('no.such', 1); } catch (error) { if (error.code !== 'UNKNOWN_EVENT_TYPE') throw error; }
        require('node:worker_threads').parentPort.postMessage(count);
      })();
    \`;
    const engine = new Engine(development);
    let sum = 0;
    for (let round = 0; round < 3; round++) {
      await Promise.all(Array.from({ length: 4 }, () => new Promise((resolve, reject) => {
        const worker = new Worker(code, { eval: true });
        worker.on('message', (count) => (sum += count));
        worker.on('error', reject);
        worker.on('exit', resolve);
      })));
    }
    await engine.close();
    console.log(sum);
  `, '12000');
});

test('a worker is terminated in the middle of everything, and leaves nothing behind', async () => {
  await ends(`
    const { Worker } = require('node:worker_threads');
    const fs = require('node:fs');
    const code = \`
      const { Engine } = require('${file}');
      (async () => {
        const engine = new Engine({ environment: 'development', outcomes: 'all' });
        await engine.webhooks.create({ url: 'http://127.0.0.1:9/', events: ['*'], retry: { delaysSeconds: [3600] } });
        engine.push('call.placed', 1);
        engine.flush(600_000);
        engine.outcomes().next();
        const other = new Engine({ environment: 'development' });
        await other.webhooks.create({ url: 'http://127.0.0.1:9/', events: ['*'], retry: { delaysSeconds: [3600] } });
        other.push('call.placed', 1);
        other.close(600_000);
        const more = () => { other.webhooks.list().next(); engine.deliveriesPage().then(more, more); };
        more();
        require('node:worker_threads').parentPort.postMessage('ready');
      })();
    \`;
    const cycle = () => new Promise((resolve, reject) => {
      const worker = new Worker(code, { eval: true });
      worker.on('message', () => worker.terminate());
      worker.on('error', reject);
      worker.on('exit', resolve);
    });
    await cycle();
    const count = () => fs.readdirSync('/proc/self/task').length + fs.readdirSync('/proc/self/fd').length;
    const before = count();
    for (let i = 0; i < 10; i++) await cycle();
    // Threads that have returned take a moment to be gone.
    for (let i = 0; i < 500 && count() > before; i++) await new Promise((resolve) => setTimeout(resolve, 10));
    console.log(count() <= before);
  `, 'true');
});
