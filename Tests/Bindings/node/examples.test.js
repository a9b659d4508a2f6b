'use strict';

// The examples, run as they stand, from copies beside the installed package.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { cpSync, mkdirSync } = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { engine, receiver, sign, take } = require('./helpers.js');

const examples = path.join(__dirname, '../../../examples');
const place = path.join(process.cwd(), 'examples');
mkdirSync(place, { recursive: true });

/** Starts a program, and waits for a line of its output where one is named. */
async function start(t, name, { args = [], env = {}, line } = {}) {
  const copy = path.join(place, path.basename(name));
  cpSync(path.join(examples, name), copy);
  const stdio = ['ignore', 'pipe', 'pipe'];
  const child = spawn(process.execPath, [copy, ...args], { env: { ...process.env, ...env }, stdio });
  const program = { child, printed: '', complaints: '', status: new Promise((resolve) => child.on('close', resolve)) };
  t.after(() => child.kill('SIGKILL'));
  const match = await new Promise((resolve, reject) => {
    child.stderr.on('data', (data) => (program.complaints += data));
    child.stdout.on('data', (data) => {
      program.printed += data;
      const found = line?.exec(program.printed);
      if (found) resolve(found);
    });
    if (line) program.status.then(() => reject(new Error(`${name} ended: ${program.complaints}`)));
    else program.status.then(resolve);
  });
  return Object.assign(program, { port: match?.[1] });
}

test('start.js pushes, waits and prints', async (t) => {
  const { url, requests } = await receiver(t);
  const { printed, status } = await start(t, 'node/start.js', { args: [url] });
  assert.match(printed, /^pushed evt_\w+\nsucceeded: attempts 1, HTTP 200\n$/);
  assert.equal(await status, 0);
  assert.equal(JSON.parse(requests[0].body).data.callId, 'call_1');
});

test('start.js says what is wrong', async (t) => {
  const { status, complaints } = await start(t, 'node/start.js', { args: ['ftp://x'] });
  assert.equal(await status, 1);
  assert.equal(complaints, 'failed: url must use http or https, not ftp\n');
});

test('host.mjs: customers register, calls become events, and its end waits for what was accepted', async (t) => {
  const good = await receiver(t, () => new Promise((resolve) => setTimeout(resolve, 200, 200)));
  const gone = await receiver(t, () => 400);
  const host = await start(t, 'node/host.mjs', { args: ['0'], line: /listening on port (\d+)\n/ });
  const ask = async (route, method, body) => {
    const response = await fetch(`http://127.0.0.1:${host.port}${route}`, { method, body });
    const isJSON = response.headers.get('content-type') === 'application/json';
    return { status: response.status, json: await (isJSON ? response.json() : response.text()) };
  };
  const more = { events: ['call.*'], clientKeyFile: '/etc/passwd' };
  const register = (url) => ask('/webhooks', 'POST', JSON.stringify({ url, ...more }));

  const { status, json: webhook } = await register(good.url);
  assert.equal(status, 201);
  assert.match(webhook.secret, /^whsec_/);
  assert.equal(webhook.clientKeyFile, null);
  const { json: other } = await register(gone.url);
  assert.deepEqual((await register('ftp://x')).json.error, 'INVALID_DOCUMENT');
  assert.equal((await ask('/webhooks', 'POST', '{')).status, 400);

  const pushed = await ask('/calls/call_1/completed', 'POST', '{ "callId": "call_1" }');
  assert.equal(pushed.status, 202);
  assert.equal((await ask('/calls/call_1/completed', 'POST', 'no JSON')).json.error, 'INVALID_JSON');
  assert.equal((await ask('/calls/call_1/completed', 'POST', 'x'.repeat(1 << 21))).status, 413);
  assert.equal((await ask('/nowhere', 'GET')).status, 404);
  assert.match((await ask('/metrics', 'GET')).json, /^martlet_events_accepted_total 1$/m);

  host.child.kill('SIGTERM');
  assert.equal(await host.status, 0);
  const failed = `${pushed.json.eventId} to ${other.id} failed after 1 attempts: httpStatus 400\n`;
  assert.ok(host.printed.includes(failed), host.printed);
  assert.match(host.printed, /delivered 1\n$/);
  assert.match(good.requests[0].body.toString(), /"data":\{ "callId": "call_1" \}/);
});

// Where Debian has its package of Express.
const modules = '/usr/share/nodejs';
test('the Express receiver takes signed requests and refuses others', async (t) => {
  const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  const app = await start(t, 'receivers/express/app.js', {
    env: { WEBHOOK_SECRET: secret, PORT: '0', NODE_PATH: modules }, line: /listening on port (\d+)\n/,
  });
  const url = `http://127.0.0.1:${app.port}/subverse/webhook`;
  const sender = engine(t, { outcomes: 'deliveries', retry: { delaysSeconds: [] } });
  const { id } = await sender.webhooks.create({ url, events: ['*'], secret });
  sender.push('call.completed', { callId: 'call_ü', callDuration: 185, callStatus: 'completed' });
  sender.push('workflow.completed', { executionId: 'exec_1', status: 'completed', much: 'x'.repeat(500_000) });
  sender.push('workflow.failed', {});
  assert.deepEqual((await take(sender, 3)).map(({ httpStatus }) => httpStatus), [200, 200, 200]);
  const [{ attempts }] = (await sender.deliveriesPage({ eventType: 'call.completed' })).deliveries;
  assert.deepEqual(JSON.parse(attempts[0].response), { received: true, eventType: 'call.completed' });

  await sender.webhooks.rotateSecret(id, { overlapSeconds: 0 });
  sender.push('call.placed', { callId: 'call_2' });
  assert.equal((await take(sender, 1))[0].httpStatus, 401);
  const now = Math.floor(Date.now() / 1000);
  const signature = sign(secret, 'evt_1', now, '{}');
  const headers = { 'webhook-id': 'evt_1', 'webhook-timestamp': `${now}`, 'webhook-signature': signature };
  const status = async (init) => (await fetch(url, { method: 'POST', ...init })).status;
  assert.equal(await status({ headers, body: '{}' }), 200);
  assert.equal(await status({ headers, body: '{ }' }), 401);
  assert.equal(await status({ headers: { 'content-type': 'text/plain' }, body: '{}' }), 401);
  assert.equal(await status({}), 401);
  for (const body of ['{', 'null', '7', '']) {
    assert.equal(await status({ headers: { ...headers, 'webhook-signature': sign(secret, 'evt_1', now, body) }, body }), 400);
  }

  while (!app.printed.includes('Unknown event type: workflow.failed')) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.match(app.printed, /call_ü: customer record updated, 185 s\n.*call_ü: team notified, completed\n/);
  assert.match(app.printed, /exec_1: workflow results logged, completed/);
  assert.doesNotMatch(app.printed, /call_2/);
});
