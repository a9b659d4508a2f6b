// A program that sends webhooks to its customers, as a service would: they register over HTTP, calls that end become
// events, failures are written to the log, and a deployment loses nothing that was accepted.
//
//   node host.mjs [PORT]      SIGTERM or SIGINT ends it
//
//   POST /webhooks            {"url", "events"}: registers a webhook; answers with it and its secret
//   POST /calls/ID/completed  the call's data: becomes the event call.completed; 503 while the queue is full
//   GET  /webhooks/ID/failed  what was given up
//   GET  /metrics             for Prometheus
import { createServer } from 'node:http';
import { Engine, MartletError } from 'martlet';

// With a DATA_DIRECTORY in the environment not even a crash loses what was accepted.
const engine = await Engine.open({
  environment: process.env.NODE_ENV === 'production' ? 'production' : 'development',
  outcomes: 'deliveries',
  dataDirectory: process.env.DATA_DIRECTORY,
});
engine.onLog(({ level, text }) => console.error(`martlet ${level}: ${text}`), 'warning');

const LARGEST_BODY = 1 << 20;

/** What an error of the engine means to a client of this program. */
const statuses = { QUEUE_FULL: 503, CLOSED: 503, NOT_FOUND: 404, INTERNAL: 500 };

const routes = [
  // Customers choose where and what, and nothing else that a webhook can have.
  ['POST', /^\/webhooks$/, async (body) => {
    const { url, events } = JSON.parse(body);
    const webhook = await engine.webhooks.create({ url, events });
    const [{ secret }] = await engine.webhooks.secrets(webhook.id);
    return { status: 201, json: { ...webhook, secret } };
  }],
  // The body goes on as it came, without being parsed: the engine checks that it is JSON.
  ['POST', /^\/calls\/[^/]+\/completed$/, (body) => {
    const eventId = engine.push('call.completed', body);
    return { status: 202, json: { eventId } };
  }],
  ['GET', /^\/webhooks\/([^/]+)\/failed$/, async (body, webhookId) => {
    const { deliveries } = await engine.deliveriesPage({ webhookId, state: 'failed' });
    return { status: 200, json: deliveries };
  }],
  ['GET', /^\/metrics$/, () => ({ status: 200, text: engine.metrics() })],
];

async function answer(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    // What is too much is read all the same, or the client would not see the answer.
    if ((size += chunk.length) <= LARGEST_BODY) chunks.push(chunk);
  }
  if (size > LARGEST_BODY) return { status: 413, json: { error: 'TOO_LARGE' } };
  for (const [method, pattern, handle] of routes) {
    const match = request.method === method && pattern.exec(request.url);
    if (match) return handle(Buffer.concat(chunks), ...match.slice(1));
  }
  return { status: 404, json: { error: 'NOT_FOUND' } };
}

function failed(error) {
  if (error instanceof MartletError) {
    return { status: statuses[error.code] ?? 400, json: { error: error.code, message: error.message } };
  }
  if (error instanceof SyntaxError) return { status: 400, json: { error: 'INVALID_JSON', message: error.message } };
  console.error(error);
  return { status: 500, json: { error: 'INTERNAL' } };
}

const server = createServer(async (request, response) => {
  const { status, json, text } = await answer(request).catch(failed);
  if (status === 503) response.setHeader('retry-after', '1');
  response.setHeader('content-type', json ? 'application/json' : 'text/plain; version=0.0.4');
  response.statusCode = status;
  response.end(json ? JSON.stringify(json) : text);
});

// Outcomes have to be taken. The loop ends when the engine is closed and the last one has come.
async function watch() {
  for await (const { kind, state, webhookId, eventId, failure, httpStatus, attempts } of engine.outcomes()) {
    if (kind === 'webhookDisabled') {
      console.log(`webhook ${webhookId} was disabled`);
    } else if (state !== 'succeeded') {
      const why = `${attempts} attempts: ${failure} ${httpStatus}`;
      console.log(`${eventId} to ${webhookId} ${state} after ${why}`);
    }
  }
}

async function shutDown() {
  server.close();
  server.closeIdleConnections();
  try {
    await engine.close(10_000);
  } catch (error) {
    console.log(`some deliveries were left: ${error.message}`);
  }
  await watching;
  console.log(`delivered ${engine.stats().deliveries.succeeded}`);
}

const watching = watch();
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, shutDown);
server.listen(process.argv[2] ?? 8080, '127.0.0.1', () => console.log(`listening on port ${server.address().port}`));
