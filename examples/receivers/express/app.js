// A webhook endpoint in Express: answers at once, works in the background, and lets only signed requests in.
//
// Environment:
//   WEBHOOK_SECRET  the webhook's secret, whsec_...
//   PORT            the port on 127.0.0.1 (3000)

const express = require('express');
const { verify } = require('martlet');

const app = express();
const secret = process.env.WEBHOOK_SECRET;

// The signature covers the raw body, of whatever type a request says it is: it is checked before anything is parsed.
app.use(express.raw({ type: () => true, limit: '2mb' }));

app.use((req, res, next) => {
  try {
    verify(secret, req.headers, Buffer.isBuffer(req.body) ? req.body : '');
  } catch (error) {
    if (error.code !== 'VERIFICATION_FAILED') throw error;
    say(`refused a request: ${error.message}`);
    return res.status(401).json({ error: 'bad signature' });
  }
  try {
    req.body = JSON.parse(req.body);
  } catch {
    return res.status(400).json({ error: 'the body is not JSON' });
  }
  // Text, numbers and null are JSON too, but no events.
  if (typeof req.body !== 'object' || req.body === null) {
    return res.status(400).json({ error: 'the body must be a JSON object' });
  }
  next();
});

app.post('/subverse/webhook', async (req, res) => {
  const { eventType, createdAt, data } = req.body;

  // Acknowledge receipt immediately
  res.status(200).json({
    received: true,
    eventType: eventType
  });

  // Process asynchronously
  processWebhookAsync(eventType, data);
});

async function processWebhookAsync(eventType, data) {
  try {
    switch (eventType) {
      case 'call.completed':
      case 'call.placed':
        await updateCRM(data);
        await sendNotification(data);
        break;
      case 'workflow.completed':
      case 'workflow.in_queue':
        await logWorkflowResults(data);
        break;
      default:
        say(`Unknown event type: ${eventType}`);
    }
  } catch (error) {
    console.error('Error processing webhook:', error);
  }
}

// What a real program would do here is its own affair.
async function updateCRM(data) {
  say(`${data.callId}: customer record updated, ${data.callDuration} s`);
}

async function sendNotification(data) {
  say(`${data.callId}: team notified, ${data.callStatus}`);
}

async function logWorkflowResults(data) {
  say(`${data.executionId}: workflow results logged, ${data.status}`);
}

function say(text) {
  console.log(`  [receiver] ${text}`);
}

const server = app.listen(process.env.PORT ?? 3000, '127.0.0.1', () => {
  say(`listening on port ${server.address().port}`);
});
