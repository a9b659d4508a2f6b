'use strict';

const { pages } = require('./paging.js');
const { json, optional } = require('./text.js');

/** `engine.webhooks`. */
class Webhooks {
  #call;

  constructor(call) {
    this.#call = call;
  }

  async create(webhook) {
    return JSON.parse(await this.#call('webhookCreate', json(webhook)));
  }

  async update(id, change) {
    return JSON.parse(await this.#call('webhookUpdate', id, json(change)));
  }

  async check(webhook, id = '') {
    await this.#call('webhookCheck', id, json(webhook));
  }

  async get(id) {
    return JSON.parse(await this.#call('webhookGet', id));
  }

  async listPage(query) {
    return JSON.parse(await this.#call('webhookList', optional(query)));
  }

  list(query) {
    return pages(query, 'webhooks', (next) => this.listPage(next));
  }

  [Symbol.asyncIterator]() {
    return this.list();
  }

  async delete(id) {
    await this.#call('webhookDelete', id);
  }

  async enable(id) {
    await this.#call('webhookSetEnabled', id, undefined, 1);
  }

  async disable(id) {
    await this.#call('webhookSetEnabled', id, undefined, 0);
  }

  async secrets(id) {
    return JSON.parse(await this.#call('webhookSecrets', id)).secrets;
  }

  async rotateSecret(id, options) {
    return JSON.parse(await this.#call('webhookRotateSecret', id, optional(options))).secrets;
  }

  async test(id, request) {
    return JSON.parse(await this.#call('webhookTest', id, json(request)));
  }
}

module.exports = { Webhooks };
