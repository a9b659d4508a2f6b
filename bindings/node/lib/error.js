'use strict';

const native = require('./native.js');

/** What every call throws, or rejects with, when Martlet refuses it. */
class MartletError extends Error {
  constructor(number, code, message) {
    super(message);
    this.number = number;
    this.code = code;
  }
}
Object.defineProperty(MartletError.prototype, 'name', { value: 'MartletError', configurable: true, writable: true });

native.setErrorFactory(function make(number, code, message) {
  const error = new MartletError(number, code, message);
  Error.captureStackTrace(error, make);
  return error;
});

/** The result of a promise of the addon; an error then shows the lines that asked for it, not the event loop's. */
async function settled(promise) {
  try {
    return await promise;
  } catch (error) {
    Error.captureStackTrace(error, settled);
    throw error;
  }
}

module.exports = { MartletError, settled };
