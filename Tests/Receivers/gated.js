'use strict';

// The Express receiver with work that a test can hold up: it reads the pipe GATE, where there is one, and writes a row.

const { readFile } = require('node:fs/promises');
const path = require('node:path');
const { run } = require(path.join(__dirname, '../../examples/receivers/express/receiver.js'));

async function work({ id }) {
  console.log(`  [receiver] ${id} begun`);
  if (process.env.GATE) await readFile(process.env.GATE);
  return (db) => db.prepare('INSERT INTO effects VALUES (?)').run(id);
}

run({ SCHEMA: 'CREATE TABLE IF NOT EXISTS effects (event_id TEXT NOT NULL);', work });
