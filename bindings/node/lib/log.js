'use strict';

const native = require('./native.js');

const { calls } = native;

const levels = ['off', 'error', 'warning', 'info', 'debug'];

// What native.watch() and native.listen() take.
const LOG = 1;
const OFF = 0;
const NOBODY_WAITS = 1;

/** The messages of one engine: waited for by the event loop of this thread, which they do not keep alive. */
class Log {
  #engine;
  #listener;
  #isWatched = false;

  constructor(engine) {
    this.#engine = engine;
    // The addon refers to it weakly: it must live as long as this.
    this.onReadable = () => this.serve();
  }

  /** Who hears messages from here on; undefined for nobody. */
  set(listener, level) {
    if (listener !== undefined && typeof listener !== 'function') {
      throw new TypeError('the listener of the log must be a function, or null for none');
    }
    const number = levels.indexOf(level);
    if (number < 1) throw new RangeError(`the level of the log must be one of ${levels.slice(1).join(', ')}`);
    if (listener === undefined) {
      if (this.#isWatched) native.setLogLevel(this.#engine, 0);
    } else if (this.#isWatched) {
      native.setLogLevel(this.#engine, number);
    } else {
      native.watch(this.#engine, LOG, this.onReadable, number);
      this.#isWatched = true;
      native.listen(this.#engine, LOG, NOBODY_WAITS);
    }
    this.#listener = listener;
  }

  /** Hands on what waits. */
  serve() {
    if (!this.#isWatched) return;
    let batch;
    try {
      batch = JSON.parse(native.callNow(calls.logPoll, this.#engine));
    } catch (error) {
      // The engine was freed.
      if (error.code !== 'CLOSED') throw error;
      return;
    }
    if (batch.ended) native.listen(this.#engine, LOG, OFF);
    const { messages, dropped } = batch;
    if (dropped > 0) messages.push({ level: 'warning', time: new Date(), text: `${dropped} messages were dropped` });
    for (const { level, time, text } of messages) this.#listener?.({ level, time: new Date(time), text });
  }
}

module.exports = { Log };
