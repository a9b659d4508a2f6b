'use strict';
// The Node host of the benchmark, see hosts.py for what is measured. Prints one JSON line.

const fs = require('node:fs');
const { parseArgs } = require('node:util');

const names = ['package', 'mode', 'form', 'configuration', 'webhook', 'data', 'count', 'warm-up', 'batch'];
const { values } = parseArgs({ options: Object.fromEntries(names.map((name) => [name, { type: 'string' }])) });
const { Engine } = require(values.package);

const TYPE = 'call.completed';
const WINDOW = 4096; // deliveries that may be under way or queued; with more, only memory would be measured
const count = Number(values.count);
const warmUp = Number(values['warm-up']);
const batch = Number(values.batch);
const data = fs.readFileSync(values.data);
const value = values.form === 'native' ? JSON.parse(data) : data;

/** So many events as one call of pushMany takes them. */
function events() {
  if (values.form === 'native') return Array(batch).fill({ eventType: TYPE, data: value });
  const lines = Array(batch).fill(Buffer.from(`{"eventType":"${TYPE}","data":${data}}`));
  return values.form === 'ready' ? Buffer.from(lines.join('\n')) : lines;
}

function push(engine, total) {
  if (batch === 1) {
    for (let tag = 0; tag < total; tag++) engine.push(TYPE, value, tag);
  } else {
    const many = events();
    for (let pushed = 0; pushed < total; pushed += batch) engine.pushMany(many);
  }
}

async function send(engine, total) {
  for (let pushed = 0; pushed < total;) {
    engine.push(TYPE, value, pushed++);
    if (pushed % WINDOW === 0 || pushed === total) await engine.flush(60_000);
  }
}

async function deliver(engine, outcomes, total) {
  let pushed = 0;
  for (let settled = 0; settled < total;) {
    while (pushed < total && pushed - settled < WINDOW) engine.push(TYPE, value, pushed++);
    const until = pushed === total ? total : pushed - WINDOW / 2;
    for (; settled < until; settled++) {
      const { value: outcome } = await outcomes.next();
      if (outcome.state !== 'succeeded') throw new Error(`a delivery ended as ${outcome.state}: ${outcome.failure}`);
    }
  }
}

async function drain(engine) {
  let taken = 0;
  for await (const outcome of engine.outcomes()) if (outcome && ++taken === count) break;
}

/** CPU seconds of the thread that runs JavaScript. */
function threadSeconds() {
  return Number(fs.readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1e9;
}

async function measure(things, part) {
  const cpuBefore = process.cpuUsage();
  const thread = threadSeconds();
  const began = process.hrtime.bigint();
  await part();
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  const cpu = process.cpuUsage(cpuBefore);
  // VmHWM, because maxRSS starts at the size of the process that started this one.
  const peak = Number(/VmHWM:\s+(\d+)/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1]);
  console.log(JSON.stringify({
    [things]: count, seconds, threadSeconds: threadSeconds() - thread, user: cpu.user / 1e6, system: cpu.system / 1e6,
    peakKiB: peak,
  }));
}

async function main() {
  const engine = new Engine(values.configuration);
  await engine.webhooks.create(values.webhook);
  if (values.mode === 'push') {
    push(engine, warmUp);
    await measure('pushes', () => push(engine, count));
  } else if (values.mode === 'drain') {
    push(engine, count);
    await engine.cancelAll();
    await engine.flush(60_000);
    await measure('outcomes', () => drain(engine));
  } else if (values.mode === 'send') {
    await send(engine, warmUp);
    await measure('deliveries', () => send(engine, count));
  } else {
    const outcomes = engine.outcomes();
    await deliver(engine, outcomes, warmUp);
    await measure('deliveries', () => deliver(engine, outcomes, count));
  }
  engine.free();
}

main().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
