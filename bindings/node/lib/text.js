'use strict';

const { isAnyArrayBuffer } = require('node:util/types');
const { MartletError } = require('./error.js');
const { codes } = require('./native.js');

const LINE_END = 10;
const BLANK = 32;

/**
 * JSON text of a value: a string or bytes are such text already and stay as they are. What JSON cannot express becomes
 * text that is no JSON, which Martlet refuses and names.
 */
function json(value) {
  // As fetch gives a body. JSON.stringify would make an empty object of it.
  if (isAnyArrayBuffer(value)) return new Uint8Array(value);
  return typeof value === 'string' || ArrayBuffer.isView(value) ? value : `${JSON.stringify(value)}`;
}

/** The same for a document that may be left out. */
function optional(value) {
  return value === undefined || value === null ? undefined : json(value);
}

// Where the lines of many events are put together: one long string would be gone through twice more. A larger one than
// this is not kept.
const MOST_KEPT_BYTES = 4 << 20;
let kept = Buffer.alloc(0);

/**
 * Events as JSON, one a line. What an array gives is valid until the next call: the addon reads or copies it at once.
 */
function lines(events) {
  if (typeof events !== 'object' || ArrayBuffer.isView(events) || typeof events?.[Symbol.iterator] !== 'function') {
    return json(events);
  }
  // Before the memory is used: a toJSON of the host's own may come here again.
  const texts = Array.isArray(events) ? events.map(json) : Array.from(events, json);
  let most = 0;
  // A UTF-16 unit takes at most three bytes.
  for (const text of texts) most += (typeof text === 'string' ? text.length * 3 : text.byteLength) + 1;
  const memory = most <= kept.length ? kept : Buffer.allocUnsafeSlow(most);
  if (memory.length <= MOST_KEPT_BYTES) kept = memory;
  let end = 0;
  for (const text of texts) {
    if (typeof text === 'string') {
      end += memory.write(text, end);
    } else {
      memory.set(bytes(text), end);
      end += text.byteLength;
    }
    memory[end++] = LINE_END;
  }
  return memory.subarray(0, end);
}

/** One event with fields of its own as JSON. */
function eventText(type, data, fields) {
  const { tag, ...others } = fields;
  // A string, for the whole range of tags; what is no tag is for the library to refuse.
  const ownTag = typeof tag === 'bigint' ? `${tag}` : tag;
  const head = JSON.stringify({ ...others, tag: ownTag, eventType: type });
  const before = `${head.slice(0, -1)},"data":`;
  return Buffer.concat([bytes(before), value(json(data)), bytes('}')]);
}

/**
 * JSON text that can stand in another: certainly one value, or what looks like data could bring fields of its own, and
 * without line ends, which are blanks in it.
 */
function value(text) {
  const source = bytes(text);
  const decoded = source.toString();
  try {
    JSON.parse(decoded);
  } catch (error) {
    throw new MartletError(codes.INVALID_JSON, 'INVALID_JSON', `data: ${error.message}`);
  }
  return source.includes(LINE_END) ? Buffer.from(source).map((byte) => (byte === LINE_END ? BLANK : byte)) : source;
}

function bytes(text) {
  return typeof text === 'string' ? Buffer.from(text) : Buffer.from(text.buffer, text.byteOffset, text.byteLength);
}

module.exports = { eventText, json, optional, lines };
