// A Node client for the benchmark table: http.request with a keep-alive Agent, the plain way to send from Node, or with
// --fetch the fetch of Node itself. Prints one JSON line.
'use strict';
const fs = require('node:fs');
const http = require('node:http');
const { parseArgs } = require('node:util');

const text = (value) => ({ type: 'string', default: value });
const { values } = parseArgs({
  options: {
    port: text('0'), hosts: text('1'), headers: text(''), body: text(''),
    count: text('10000'), 'warm-up': text('500'), 'in-flight': text('64'), fetch: { type: 'boolean' },
  },
});
const port = Number(values.port);
const hosts = Number(values.hosts);
const inFlight = Number(values['in-flight']);
const body = fs.readFileSync(values.body);
const headers = { 'content-length': body.length };
for (const line of fs.readFileSync(values.headers, 'utf8').trim().split('\n')) {
  const colon = line.indexOf(': ');
  headers[line.slice(0, colon)] = line.slice(colon + 2);
}
const addresses = Array.from({ length: hosts }, (_, host) => {
  const address = 0x7f000001 + host;
  return [address >>> 24, (address >>> 16) & 255, (address >>> 8) & 255, address & 255].join('.');
});
const agent = new http.Agent({ keepAlive: true, maxSockets: inFlight, maxFreeSockets: inFlight });

function deliver(host) {
  return new Promise((resolve, reject) => {
    const options = { agent, host, port, path: '/webhook', method: 'POST', headers, timeout: 5000 };
    const request = http.request(options, (response) => {
      response.on('end', () => {
        if (response.statusCode === 200) resolve();
        else reject(new Error(`status ${response.statusCode}`));
      });
      response.resume();
    });
    request.on('timeout', () => request.destroy(new Error('timeout')));
    request.on('error', reject);
    request.end(body);
  });
}

// fetch sets the length itself.
const { 'content-length': _, ...fetched } = headers;

async function deliverByFetch(host) {
  const signal = AbortSignal.timeout(5000);
  const response = await fetch(`http://${host}:${port}/webhook`, { method: 'POST', headers: fetched, body, signal });
  await response.arrayBuffer(); // so that the connection is free again
  if (response.status !== 200) throw new Error(`status ${response.status}`);
}

async function run(total) {
  const send = values.fetch ? deliverByFetch : deliver;
  let next = 0;
  async function worker() {
    while (next < total) {
      const delivery = next++;
      await send(addresses[delivery % hosts]);
    }
  }
  await Promise.all(Array.from({ length: inFlight }, worker));
}

async function main() {
  const count = Number(values.count);
  await run(Number(values['warm-up']));
  const cpuBefore = process.cpuUsage();
  const began = process.hrtime.bigint();
  await run(count);
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  const cpu = process.cpuUsage(cpuBefore);
  // VmHWM, because maxRSS starts at the size of the process that started this one.
  const peak = Number(/VmHWM:\s+(\d+)/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1]);
  console.log(JSON.stringify({
    deliveries: count, seconds, user: cpu.user / 1e6, system: cpu.system / 1e6, peakKiB: peak,
  }));
  agent.destroy();
}

main().catch((error) => {
  console.error(`a delivery failed: ${error.message}`);
  process.exit(1);
});
