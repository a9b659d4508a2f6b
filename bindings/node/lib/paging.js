'use strict';

const { isAnyArrayBuffer } = require('node:util/types');

/**
 * What all pages of a listing hold, one after the other; the next page is asked for when it is needed.
 *
 * @param query as the caller gave it: an object, JSON text, or nothing
 * @param key what the list in a page is called
 * @param page gives the page that a query asks for
 */
async function* pages(query, key, page) {
  if (isAnyArrayBuffer(query)) query = new Uint8Array(query);
  let next = typeof query === 'string' || ArrayBuffer.isView(query) ? query : { ...query };
  for (;;) {
    const answer = await page(next);
    yield* answer[key];
    if (answer.cursor === null) return;
    // Text is looked into only now: the first page has shown that it is a query.
    if (typeof next !== 'object' || ArrayBuffer.isView(next)) next = JSON.parse(Buffer.from(next).toString());
    next = { ...next, cursor: answer.cursor };
  }
}

module.exports = { pages };
