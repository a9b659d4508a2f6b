'use strict';

const native = require('./native.js');

const BATCH = 256;

// Outcomes that come closer together than this are gathered for so many milliseconds: a wake for each would cost more than
// all the rest of it. One that comes alone is told at once.
const GATHER_MS = 1;

const kinds = ['unknown', 'delivery', 'event', 'webhookDisabled'];
const states = ['unknown', 'succeeded', 'failed', 'expired', 'canceled'];
const failures = ['none', 'dns', 'addressRefused', 'connect', 'tls', 'certificate', 'timeout', 'connectionLost',
  'badResponse', 'httpStatus', 'local', 'circuitOpen', 'backlogFull'];
const reasons = ['none', 'gone', 'receiverAsked', 'failing'];

// What native.watch() and native.listen() take.
const OUTCOMES = 0;
const OFF = 0;
const NOBODY_WAITS = 1;
const WAITING = 2;
const WAITING_KEEPS_ALIVE = 3;

// One batch is decoded as soon as it was polled, so the memory serves all engines of this environment.
const { layout } = native;
const bytes = Buffer.from(new ArrayBuffer(BATCH * layout.stride));
const words = new Uint32Array(bytes.buffer);
const signed = new Int32Array(bytes.buffer);
// The lower half of a 64-bit number lies first where the machine says so.
const LOW = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 0 : 1;

function text(start) {
  let end = start;
  while (bytes[end] !== 0) end++;
  return end === start ? '' : bytes.latin1Slice(start, end);
}

/** A 64-bit number; times and most tags are exact as a Number. */
function long(start) {
  const low = words[(start >> 2) + LOW];
  const high = words[(start >> 2) + 1 - LOW];
  return high < 0x200000 ? high * 0x100000000 + low : (BigInt(high) << 32n) | BigInt(low);
}

function outcome(index) {
  const start = index * layout.stride;
  const kind = signed[(start + layout.kind) >> 2];
  const since = long(start + layout.failing_since_ms);
  return {
    kind: kinds[kind] ?? 'unknown',
    state: states[signed[(start + layout.state) >> 2]] ?? 'unknown',
    failure: failures[signed[(start + layout.failure) >> 2]] ?? 'unknown',
    tag: long(start + layout.tag),
    settledAt: new Date(long(start + layout.settled_at_ms)),
    attempts: words[(start + layout.attempts) >> 2],
    httpStatus: words[(start + layout.http_status) >> 2],
    deliveries: words[(start + layout.deliveries) >> 2],
    succeeded: words[(start + layout.succeeded) >> 2],
    eventId: text(start + layout.event_id),
    deliveryId: text(start + layout.delivery_id),
    webhookId: text(start + layout.webhook_id),
    failingSince: since === 0 ? null : new Date(since),
    reason: reasons[words[(start + layout.reason) >> 2]] ?? 'unknown',
  };
}

/** The outcomes of one engine: what was polled and not yet taken, and who waits for more. */
class Outcomes {
  #engine;
  #polled = [];
  #taken = 0;
  #waiting = [];
  #isEnded = false;
  /** Until then what comes is gathered, by this timer. */
  #gatherUntil = 0;
  #gathering;

  /** Throws where the configuration does not ask for outcomes. */
  constructor(engine) {
    this.#engine = engine;
    // The addon refers to the callback weakly while nobody waits: it must live as long as this.
    this.onReadable = () => {
      if (this.#waiting.length > 0 && performance.now() < this.#gatherUntil) this.#gather();
      else this.#serve();
    };
    native.watch(engine, OUTCOMES, this.onReadable);
  }

  /** No more come than those that are there: those who wait get them, then their end. */
  end() {
    this.#isEnded = true;
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    this.#serve();
  }

  /** The next outcome as an iterator's result. */
  take(waiter) {
    if (this.#taken < this.#polled.length) return this.#next();
    // Even when more are there, the event loop goes round once between two batches, so that it is never starved.
    if (this.#isEnded) {
      this.#poll();
      return this.#taken < this.#polled.length ? this.#next() : { value: undefined, done: true };
    }
    this.#waiting.push(waiter);
    this.#listen();
    return undefined;
  }

  /** Somebody does not wait any more. */
  forget(waiter) {
    const place = this.#waiting.indexOf(waiter);
    if (place >= 0) this.#waiting.splice(place, 1);
    this.#listen();
  }

  #next() {
    const value = this.#polled[this.#taken];
    this.#polled[this.#taken++] = undefined;
    return { value, done: false };
  }

  #poll() {
    let count = 0;
    try {
      count = native.poll(this.#engine, bytes);
    } catch (error) {
      // The engine was freed: what was not polled is gone.
      if (error.code !== 'CLOSED') throw error;
      this.#isEnded = true;
    }
    this.#polled = new Array(count);
    this.#taken = 0;
    for (let i = 0; i < count; i++) this.#polled[i] = outcome(i);
    return count;
  }

  #gather() {
    native.listen(this.#engine, OUTCOMES, OFF);
    this.#gathering = setTimeout(() => {
      this.#gathering = undefined;
      this.#serve();
    }, GATHER_MS);
    this.#listen();
  }

  #serve() {
    // Outcomes wait and nobody wants them: they stay where they are, and the pipe is looked at no more.
    if (this.#waiting.length === 0) {
      native.listen(this.#engine, OUTCOMES, OFF);
      return;
    }
    while (this.#waiting.length > 0) {
      if (this.#taken === this.#polled.length && this.#poll() === 0) break;
      this.#waiting.shift().resolve(this.#next());
    }
    this.#gatherUntil = performance.now() + GATHER_MS;
    if (this.#isEnded) {
      for (const waiter of this.#waiting.splice(0)) waiter.resolve({ value: undefined, done: true });
      native.listen(this.#engine, OUTCOMES, OFF);
    } else {
      this.#listen();
    }
  }

  #listen() {
    let mode = NOBODY_WAITS;
    for (const waiter of this.#waiting) mode = Math.max(mode, waiter.ref ? WAITING_KEEPS_ALIVE : WAITING);
    if (this.#gathering !== undefined) {
      // The timer waits instead of the pipe, and keeps the process alive as that does.
      if (mode === WAITING_KEEPS_ALIVE) this.#gathering.ref();
      else this.#gathering.unref();
      return;
    }
    native.listen(this.#engine, OUTCOMES, mode);
  }
}

/** What `engine.outcomes()` gives. Several of one engine get different outcomes. */
class OutcomeIterator {
  #outcomes;
  #options;
  #waiters = new Set();
  #isDone = false;

  constructor(outcomes, { signal, ref = true } = {}) {
    this.#outcomes = outcomes;
    this.#options = { signal, ref };
    signal?.throwIfAborted();
    signal?.addEventListener('abort', this.#abort, { once: true });
  }

  #abort = () => {
    for (const waiter of this.#waiters) {
      this.#outcomes.forget(waiter);
      waiter.reject(this.#options.signal.reason);
    }
    this.#waiters.clear();
  };

  next() {
    const { signal, ref } = this.#options;
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#isDone) return Promise.resolve({ value: undefined, done: true });
    const waiter = { ref, resolve: undefined, reject: undefined };
    const result = this.#outcomes.take(waiter);
    if (result !== undefined) return Promise.resolve(result);
    this.#waiters.add(waiter);
    return new Promise((resolve, reject) => {
      waiter.resolve = (value) => {
        this.#waiters.delete(waiter);
        resolve(value);
      };
      waiter.reject = reject;
    });
  }

  /** `break` in a `for await` comes here. What was not taken stays for the next iterator. */
  return(value) {
    this.#isDone = true;
    this.#options.signal?.removeEventListener('abort', this.#abort);
    for (const waiter of this.#waiters) {
      this.#outcomes.forget(waiter);
      waiter.resolve({ value: undefined, done: true });
    }
    return Promise.resolve({ value, done: true });
  }

  [Symbol.asyncIterator]() {
    return this;
  }
}

module.exports = { OutcomeIterator, Outcomes };
