'use strict';

// What is done about an event, for a real program to replace. Here each result is a line of the output and a row of the
// table work_log.

const SCHEMA = 'CREATE TABLE IF NOT EXISTS work_log (event_id TEXT NOT NULL, line TEXT NOT NULL);';

async function work({ id, eventType, data }) {
  const lines = [];
  switch (eventType) {
    case 'call.completed':
    case 'call.placed':
      lines.push(await updateCRM(data));
      lines.push(await sendNotification(data));
      break;
    case 'workflow.completed':
    case 'workflow.in_queue':
      lines.push(await logWorkflowResults(data));
      break;
    default:
      lines.push(`Unknown event type: ${eventType}`);
  }
  for (const line of lines) console.log(`  [receiver] ${line}`);
  // Committed with the note that the work is done.
  return (db) => {
    const insert = db.prepare('INSERT INTO work_log VALUES (?, ?)');
    for (const line of lines) insert.run(id, line);
  };
}

async function updateCRM(data) {
  return `${data.callId}: customer record updated, ${data.callDuration} s`;
}

async function sendNotification(data) {
  return `${data.callId}: team notified, ${data.callStatus}`;
}

async function logWorkflowResults(data) {
  return `${data.executionId}: workflow results logged, ${data.status}`;
}

module.exports = { SCHEMA, work };
