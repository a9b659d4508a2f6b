// What has not arrived: waiting for a try, or given up.
import { attempt, call, get } from './api.js';
import { button, el, fill } from './dom.js';
import { deliveryTable } from './deliveries.js';
import { follow, gently } from './live.js';
import { replayDialog } from './webhook.js';

// The rest is on the page of all deliveries.
const SHOWN = 20;

export async function undeliveredPage(place) {
  const waiting = el('section', { class: 'card flush', 'aria-label': 'Waiting' });
  const failed = el('section', { class: 'card flush', 'aria-label': 'Given up' });
  const act = (path, done) => attempt(async () => { await call('POST', path); await load(); return done; });

  async function load() {
    const [pending, givenUp] = await Promise.all([get('/api/deliveries', { state: 'undelivered' }), get('/api/deliveries', { state: 'failed' })]);
    draw(waiting, 'Waiting or in flight', '#/deliveries?state=undelivered', 'Nothing waits: every event has been settled.', pending, delivery =>
      button('Cancel', () => act(`/api/deliveries/${delivery.id}/cancel`), 'small danger'));
    draw(failed, 'Given up', '#/deliveries?state=failed', 'Nothing failed for good.', givenUp, delivery =>
      !delivery.test && delivery.webhook && button('Redeliver', () => act(`/api/deliveries/${delivery.id}/redeliver`), 'small'));
  }

  function draw(section, title, href, none, { deliveries, cursor }, more) {
    fill(section, el('div', { class: 'card-head' }, el('h2', {}, title), el('a', { href }, `All ${deliveries.length}${cursor ? ' and more' : ''}`)),
      deliveries.length ? deliveryTable(deliveries.slice(0, SHOWN), true, more) : el('div', { class: 'empty' }, el('p', {}, none)));
  }

  fill(place, el('div', { class: 'head' }, el('div', {}, el('h1', {}, 'Undelivered'), el('p', {}, 'What receivers have not taken yet, and what was given up.')),
    button('Replay failed', () => replayDialog())), waiting, failed);
  return follow(['change'], gently(() => attempt(load), 1000), load);
}
