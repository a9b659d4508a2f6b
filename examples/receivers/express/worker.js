'use strict';

// Works on what the inbox holds, one event after the other, between the requests.

// Work that fails is tried again after these; then it stays in the table as failed, with the error.
const DELAYS_SECONDS = [1, 5, 25, 125, 625];

class Worker {
  /**
   * `work` is an async function of an event. It may return a function of the database, whose writes are committed
   * together with the note that the work is done: a crash repeats none of these and loses none. What is done elsewhere
   * may be repeated by a crash in between.
   */
  constructor(inbox, work, say, delays = DELAYS_SECONDS) {
    Object.assign(this, { inbox, work, say, delays, isEnding: false, timer: undefined, running: undefined });
  }

  /** There is something new. Never waits. */
  wake() {
    clearTimeout(this.timer);
    if (!this.isEnding) this.running ??= this.run().finally(() => (this.running = undefined));
  }

  /** Waits for the work under way; the rest stays in the inbox. */
  async stop() {
    this.isEnding = true;
    clearTimeout(this.timer);
    await this.running;
  }

  async run() {
    try {
      while (!this.isEnding) {
        const event = this.inbox.next();
        if (!event) return;
        const wait = event.due * 1000 - Date.now();
        if (wait > 0) return this.wakeIn(wait);
        await this.step(event);
        // Requests have their turn, also where the work never waited.
        await new Promise(setImmediate);
      }
    } catch (error) {
      // A full disk, say. The event is still in the inbox.
      this.say(`the database: ${error.message}`);
      this.wakeIn(1000);
    }
  }

  async step(event) {
    try {
      const write = await this.work(event);
      this.inbox.done(event, write);
      this.say(`${event.eventType} ${event.id}: done`);
    } catch (error) {
      const delay = this.delays[event.tries];
      const isLast = delay === undefined;
      this.inbox.failed(event, error, isLast ? undefined : Date.now() / 1000 + delay);
      this.say(`${event.eventType} ${event.id}: the work failed: ${error?.message}${isLast ? ', given up' : ''}`);
    }
  }

  wakeIn(milliseconds) {
    // By then this run has ended. Timers take 24 days at the most.
    this.timer = setTimeout(() => this.wake(), Math.min(milliseconds, 2 ** 31 - 1));
  }
}

module.exports = { Worker };
