// The plainest endpoint in Express: answers at once and works afterwards. It believes whoever asks.
//
// Start here, then see app.js, which checks signatures, and receiver.js, which has all that a real one needs.
//
// Environment:
//   PORT  the port on 127.0.0.1 (3000); 0 takes a free one

const express = require('express');
const app = express();

app.use(express.json());

app.post('/subverse/webhook', async (req, res) => {
  const { eventType, createdAt, data } = req.body;
  say(`${eventType} of ${createdAt}: received`);

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
    say(`Error processing webhook: ${error.message}`);
  }
}

// What is done here is your own affair.
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
