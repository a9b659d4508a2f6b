'use strict';

const { spawn } = require('node:child_process');
const http = require('node:http');

/** The package as it is installed where the tests run. */
const file = require.resolve('martlet', { paths: [process.cwd()] });
const martlet = require(file);

/** A receiver in this process: answers with `answer(request, body)`, by default 200; ended with the test. */
async function receiver(t, answer = () => 200) {
  const requests = [];
  const server = http.createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    requests.push({ headers: request.headers, body });
    response.statusCode = await answer(request, body);
    response.end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${server.address().port}/`, requests };
}

/** An engine for receivers on this machine, freed with the test. */
function engine(t, configuration) {
  const opened = new martlet.Engine({ environment: 'development', outcomes: 'all', ...configuration });
  t.after(() => opened.free());
  return opened;
}

/** The next so many outcomes. */
async function take(from, count) {
  const taken = [];
  for await (const outcome of from.outcomes({ signal: AbortSignal.timeout(20_000) })) {
    if (taken.push(outcome) === count) break;
  }
  return taken;
}

/**
 * Runs a program in a Node of its own, with `Engine` and `development` there. Gives what it printed, how it ended and
 * the milliseconds from its first output to its end; one that hangs is ended after 20 seconds and fails.
 */
async function program(code, ...flags) {
  const prelude = `
    // Loaded only where it is used: some leave it to their workers.
    const file = ${JSON.stringify(file)};
    Object.defineProperty(globalThis, 'Engine', { get: () => require(file).Engine });
    const development = { environment: 'development', outcomes: 'all' };
    // A receiver that is not there, and hours until the next attempt: work that stays.
    const unreachable = { url: 'http://127.0.0.1:9/', events: ['*'], retry: { delaysSeconds: [3600] } };
  `;
  const child = spawn(process.execPath, [...flags, '-e', `${prelude}(async () => {${code}})()`], { stdio: 'pipe' });
  let printed = '';
  let complaints = '';
  let first;
  child.stdout.on('data', (data) => {
    first ??= performance.now();
    printed += data;
  });
  child.stderr.on('data', (data) => (complaints += data));
  const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
  const [status, signal] = await new Promise((resolve) => child.on('close', (...end) => resolve(end)));
  clearTimeout(timer);
  const now = performance.now();
  return { printed: printed.trim(), complaints, status, signal, afterOutput: now - (first ?? now) };
}

module.exports = { ...martlet, engine, file, program, receiver, take };
