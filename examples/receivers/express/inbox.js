'use strict';

// What was received and what is still to be done, in SQLite: it survives the end of the process at any instant.
//
// An event is stored once, by its id. So a request that comes again finds it and causes no second work, and what was
// acknowledged but not yet worked on is still there after a crash. node:sqlite needs Node 22.13 or later.

const { DatabaseSync } = require('node:sqlite');

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS events (
    id TEXT PRIMARY KEY,
    type TEXT NOT NULL,
    created_at TEXT NOT NULL,
    data TEXT NOT NULL,
    received_at REAL NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting', -- then done or failed
    tries INTEGER NOT NULL DEFAULT 0,
    due REAL NOT NULL DEFAULT 0,
    error TEXT
  );
  CREATE INDEX IF NOT EXISTS waiting_events ON events (due) WHERE state = 'waiting';
`;
// Longer than any sender tries again, or is asked to replay.
const KEPT_SECONDS = 30 * 24 * 3600;

class Inbox {
  constructor(path, schema = '') {
    // Two workers on one database would do the same work twice. The lock goes with the process, however it ends.
    this.only = new DatabaseSync(`${path}.lock`);
    try {
      this.only.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE');
    } catch {
      throw new Error(`another receiver works with ${path}`);
    }
    this.db = new DatabaseSync(path);
    // An answer is a promise: what it acknowledges is on the disk.
    this.db.exec('PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    this.db.exec(SCHEMA + schema);
    const now = Date.now() / 1000;
    this.db.prepare("DELETE FROM events WHERE received_at < ? AND state <> 'waiting'").run(now - KEPT_SECONDS);
    this.insert = this.db.prepare(`
      INSERT INTO events (id, type, created_at, data, received_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`);
    this.select = this.db.prepare("SELECT * FROM events WHERE state = 'waiting' ORDER BY due, rowid LIMIT 1");
    this.settle = this.db.prepare('UPDATE events SET state = ?, tries = ?, due = ?, error = ? WHERE id = ?');
  }

  /** `data` is JSON text. True when the event is new, false when it was stored before. Throws when it cannot be stored. */
  store({ id, eventType, createdAt, data }) {
    const now = Date.now() / 1000;
    return this.insert.run(id, eventType, createdAt, data, now).changes === 1;
  }

  /** The event to work on next, with `due` and `tries`, or undefined. */
  next() {
    const row = this.select.get();
    return row && {
      id: row.id, eventType: row.type, createdAt: row.created_at, data: JSON.parse(row.data),
      due: row.due, tries: row.tries,
    };
  }

  /** Notes that the work is done, together with what it writes itself. */
  done(event, write) {
    this.db.exec('BEGIN IMMEDIATE');
    try {
      write?.(this.db);
      this.settle.run('done', event.tries, 0, null, event.id);
      this.db.exec('COMMIT');
    } catch (error) {
      // A full disk has rolled back by itself.
      if (this.db.isTransaction) this.db.exec('ROLLBACK');
      throw error;
    }
  }

  /** Notes that the work failed; without `due` it is not tried again. */
  failed(event, error, due) {
    this.settle.run(due === undefined ? 'failed' : 'waiting', event.tries + 1, due ?? 0, String(error), event.id);
  }

  close() {
    this.db.close();
    this.only.close();
  }
}

module.exports = { Inbox };
