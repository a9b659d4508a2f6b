const { Engine } = require('martlet');

const url = process.argv[2] ?? 'http://127.0.0.1:3000/subverse/webhook';

async function main() {
  const engine = new Engine({ environment: 'development', outcomes: 'deliveries' });
  await engine.webhooks.create({ url, events: ['call.*'] });

  const data = { callId: 'call_1', callStatus: 'completed', callDuration: 185 };
  console.log(`pushed ${engine.push('call.completed', data)}`);

  for await (const outcome of engine.outcomes()) {
    console.log(`${outcome.state}: attempts ${outcome.attempts}, HTTP ${outcome.httpStatus}`);
    break;
  }
  await engine.close();
}

main().catch((error) => {
  console.error(`failed: ${error.message}`);
  process.exitCode = 1;
});
