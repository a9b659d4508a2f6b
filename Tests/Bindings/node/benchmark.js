'use strict';

// How fast events go in and outcomes come out, for 1 KiB of data. One line a row: name, number a second.
//
//   node benchmark.js [ROUNDS]      prints the median of so many rounds, by default 3
//
// The binding is the package `martlet` as it is installed where this runs. One webhook matches every event; it is held
// back, so that nothing but the push is measured.

const { Engine } = require(require.resolve('martlet', { paths: [process.cwd()] }));

const EVENTS = 200_000;
const BATCH = 256;
const rounds = Number(process.argv[2] ?? 3);

const value = { callId: 'call_1', callStatus: 'completed', callDuration: 185, transcript: 'x'.repeat(1024 - 80) };
const text = JSON.stringify(value);
const bytes = Buffer.from(text);
const line = `{"eventType":"call.completed","data":${text}}`;
const batches = {
  objects: Array(BATCH).fill({ eventType: 'call.completed', data: value }),
  strings: Array(BATCH).fill(line),
  bytes: Buffer.from(Array(BATCH).fill(line).join('\n')),
};

async function prepared(match, outcomes) {
  const engine = new Engine({
    environment: 'development',
    outcomes,
    queue: { maxEvents: 1_000_000, maxBytes: 4_000_000_000 },
    maxPendingPerWebhook: 1_000_000,
  });
  if (match) {
    const rateLimit = { perSecond: 0.001, burst: 1 };
    await engine.webhooks.create({ url: 'http://127.0.0.1:9/', events: ['*'], rateLimit });
  }
  return engine;
}

/** Seconds of a part of the program. */
async function seconds(part) {
  const start = performance.now();
  await part();
  return (performance.now() - start) / 1000;
}

const single = (data) => (engine) => {
  for (let i = 0; i < EVENTS; i++) engine.push('call.completed', data, i);
};
const batched = (events) => (engine) => {
  for (let i = 0; i < EVENTS; i += BATCH) engine.pushMany(events);
};

async function push(match, run) {
  const engine = await prepared(match, 'off');
  const taken = await seconds(() => run(engine));
  engine.free();
  return EVENTS / taken;
}

async function outcomes() {
  const engine = await prepared(false, 'events');
  single(bytes)(engine);
  let count = 0;
  const taken = await seconds(async () => {
    for await (const { tag } of engine.outcomes()) if (tag === EVENTS - 1 || ++count === EVENTS) break;
  });
  engine.free();
  return EVENTS / taken;
}

const rows = {
  'push, object, one match': () => push(true, single(value)),
  'push, string, one match': () => push(true, single(text)),
  'push, bytes, one match': () => push(true, single(bytes)),
  'push, bytes, no match': () => push(false, single(bytes)),
  'push many, objects, one match': () => push(true, batched(batches.objects)),
  'push many, strings, one match': () => push(true, batched(batches.strings)),
  'push many, bytes, one match': () => push(true, batched(batches.bytes)),
  'push many, bytes, no match': () => push(false, batched(batches.bytes)),
  'outcomes drained': outcomes,
};

async function main() {
  const measured = Object.fromEntries(Object.keys(rows).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, row] of Object.entries(rows)) measured[name].push(await row());
  }
  for (const [name, values] of Object.entries(measured)) {
    const median = values.sort((a, b) => a - b)[values.length >> 1];
    console.log(`${name.padEnd(32)}${Math.round(median).toLocaleString('en').padStart(12)}/s`);
  }
}

main();
