'use strict';

const native = require('./native.js');
const { settled } = require('./error.js');
const { Log } = require('./log.js');
const { OutcomeIterator, Outcomes } = require('./outcomes.js');
const { pages } = require('./paging.js');
const { eventText, json, lines, optional } = require('./text.js');
const { Webhooks } = require('./webhooks.js');

const { calls } = native;

/** An engine that is open already, for the constructor. */
class Opened {
  constructor(engine) {
    this.engine = engine;
  }
}

/** What its methods do and throw stands in index.d.ts. */
class Engine {
  #engine;
  #log;
  #outcomes;
  #closing = 0;
  #isClosed = false;

  constructor(configuration) {
    this.#engine = configuration instanceof Opened ? configuration.engine : native.open(optional(configuration));
    this.#log = new Log(this.#engine);
    Object.defineProperty(this, 'webhooks', {
      value: new Webhooks((name, ...texts) => this.#later(name, ...texts)),
      enumerable: true,
    });
  }

  static async open(configuration) {
    const opening = native.call(calls.open, undefined, optional(configuration));
    return new Engine(new Opened(await settled(opening)));
  }

  /** A call that may go to the disk, on libuv's pool. */
  #later(name, first, second, number) {
    return settled(native.call(calls[name], this.#engine, first, second, number));
  }

  /** A call that only reads or writes memory. */
  #now(name, first) {
    return native.callNow(calls[name], this.#engine, first);
  }

  push(type, data, more) {
    if (typeof more !== 'object' || more === null) return native.push(this.#engine, type, json(data), more);
    return this.#now('pushEvent', eventText(type, data, more));
  }

  async pushAsync(type, data, more) {
    if (typeof more !== 'object' || more === null) return this.#later('push', type, json(data), more);
    return this.#later('pushEvent', eventText(type, data, more));
  }

  pushMany(events) {
    return this.#now('pushJSON', lines(events));
  }

  async pushManyAsync(events) {
    return this.#later('pushJSON', lines(events));
  }

  outcomes(options) {
    if (this.#outcomes === undefined) {
      this.#outcomes = new Outcomes(this.#engine);
      if (this.#isClosed) this.#outcomes.end();
    }
    return new OutcomeIterator(this.#outcomes, options);
  }

  async addEventType(type) {
    await this.#later('addEventType', json(type));
  }

  eventTypes() {
    return JSON.parse(this.#now('eventTypes')).eventTypes;
  }

  deliveries(query) {
    return pages(query, 'deliveries', (next) => this.deliveriesPage(next));
  }

  async deliveriesPage(query) {
    return JSON.parse(await this.#later('deliveries', optional(query)));
  }

  async delivery(id) {
    return JSON.parse(await this.#later('deliveryGet', id));
  }

  async redeliver(id) {
    return this.#later('redeliver', id);
  }

  async replay(query) {
    return JSON.parse(await this.#later('replay', optional(query)));
  }

  async cancel(id) {
    await this.#later('deliveryCancel', id);
  }

  async cancelAll(query) {
    return this.#later('deliveriesCancel', optional(query));
  }

  onLog(listener, level = 'info') {
    this.#log.set(listener ?? undefined, level);
  }

  stats() {
    return JSON.parse(this.#now('stats'));
  }

  metrics() {
    return this.#now('metrics');
  }

  async flush(timeoutMs) {
    await settled(native.flush(this.#engine, timeoutMs));
  }

  async close(timeoutMs = 10_000) {
    const closing = native.close(this.#engine, timeoutMs);
    this.#closing++;
    let isClosed = true;
    try {
      await settled(closing);
    } catch (error) {
      isClosed = error.code === 'TIMED_OUT';
      // Freed is closed too.
      if (error.code !== 'CLOSED') throw error;
    } finally {
      // A call beside a longer one comes back earlier, with outcomes still to come.
      if (--this.#closing === 0 && isClosed) this.#end();
      // What was said until here is heard before the promise is settled.
      this.#log.serve();
    }
  }

  free() {
    native.free(this.#engine);
    this.#end();
  }

  #end() {
    this.#isClosed = true;
    this.#outcomes?.end();
  }
}

// Where this Node has them, `using` and `await using` close the engine.
function define(symbol, value) {
  if (symbol) Object.defineProperty(Engine.prototype, symbol, { value, configurable: true, writable: true });
}
define(Symbol.dispose, function dispose() {
  this.free();
});
define(Symbol.asyncDispose, async function asyncDispose() {
  await this.close();
});

module.exports = { Engine };
