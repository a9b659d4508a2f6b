// One webhook: how it does, its settings, its newest deliveries.
import { ago, attempt, call, get, percent, time, whole } from './api.js';
import { button, dialog, el, field, fill, select } from './dom.js';
import { follow, gently } from './live.js';
import { deliveryTable } from './deliveries.js';
import { secretDialog } from './secret.js';
import { breaker } from './states.js';
import { testDialog } from './test.js';
import { deleteWebhook, events, lastResult, nameOf, onOff, status } from './webhooks.js';

export async function webhookPage(place, id) {
  const top = el('div', { class: 'page' });
  const log = el('section', { class: 'card flush', 'aria-label': 'Recent deliveries' });

  async function load() {
    const [webhook, recent] = await Promise.all([get(`/api/webhooks/${id}`), get('/api/deliveries', { webhookId: id })]);
    if (!top.contains(document.activeElement) || document.activeElement === document.body) draw(webhook);
    fill(log, el('div', { class: 'card-head' }, el('h2', {}, 'Recent deliveries'),
      el('a', { href: `#/deliveries?webhookId=${id}` }, 'All, with filters')),
    recent.deliveries.length ? deliveryTable(recent.deliveries.slice(0, 15), false)
      : el('div', { class: 'empty' }, el('p', {}, 'Nothing was sent yet. Send a test, or push an event on the Simulate page.')));
  }

  function draw(webhook) {
    const again = () => attempt(async () => draw(await get(`/api/webhooks/${id}`)));
    const facts = [
      ['URL', webhook.url], ['Events', events(webhook)],
      ['Agents', webhook.agents?.join(', ') || 'all'], ['Workflows', webhook.workflows?.join(', ') || 'all'],
      ['Headers', webhook.headers.length ? `${webhook.headers.join(', ')} (values hidden)` : 'none of its own'],
      ['Secrets', webhook.secrets.map(each => (each.expiresAt ? `one until ${time(each.expiresAt)}` : `current, made ${ago(each.createdAt)}`)).join('; ')],
      ['Changed', time(webhook.updatedAt)],
    ];
    fill(top, el('div', { class: 'head' },
      el('div', {}, el('h1', {}, nameOf(webhook)), el('div', { class: 'row' }, status(webhook), webhook.demo && el('span', { class: 'tag' }, 'demo'))),
      el('div', { class: 'row' }, onOff(webhook, again), button('Test', () => testDialog(webhook)),
        el('a', { class: 'button', href: `#/webhooks/${id}/edit` }, 'Edit'),
        button('Rotate secret', () => rotate(webhook, again)),
        button('Replay failed', () => replayDialog(id)),
        button('Delete', () => deleteWebhook(webhook, () => { location.hash = '#/webhooks'; }), 'danger'))),
    el('div', { class: 'grid' },
      el('section', { class: 'card' }, el('h2', {}, 'Health'), el('dl', { class: 'facts' },
        el('dt', {}, 'Success'), el('dd', {}, `${percent(webhook.successRate)} of the last ${whole(webhook.results)}`),
        el('dt', {}, 'Last result'), el('dd', {}, lastResult(webhook)),
        webhook.health && [el('dt', {}, 'Breaker'), el('dd', {}, breaker(webhook.health.breaker)),
          el('dt', {}, 'Waiting'), el('dd', {}, `${whole(webhook.health.pending)}, ${whole(webhook.health.inFlight)} in flight`),
          webhook.health.failingSince && [el('dt', {}, 'Failing since'), el('dd', {}, time(webhook.health.failingSince))],
          webhook.health.pausedUntil && [el('dt', {}, 'Paused until'), el('dd', {}, time(webhook.health.pausedUntil))]])),
      el('section', { class: 'card' }, el('h2', {}, 'Settings'), el('dl', { class: 'facts' },
        facts.map(([name, value]) => [el('dt', {}, name), el('dd', {}, value)])))));
  }

  fill(place, top, log);
  return follow(['change', 'webhooks'], gently(() => attempt(load)), load);
}

function rotate(webhook, done) {
  const overlap = select([[0, 'not at all'], [3600, 'for an hour'], [86400, 'for a day'], [604800, 'for a week']], 86400);
  dialog('Rotate secret', close => el('div', {}, el('h2', {}, 'Rotate secret'),
    el('p', {}, 'A new secret is made. While the former one is valid too, requests carry a signature of each, so that the receiver can change over.'),
    field('The former secret stays valid', overlap),
    el('div', { class: 'bar' }, button('Cancel', close), button('Make a new secret', async () => {
      const answer = await attempt(() => call('POST', `/api/webhooks/${webhook.id}/rotate`, { overlapSeconds: Number(overlap.value) }));
      if (!answer) return;
      close();
      secretDialog(answer.secret, 'The new secret of this webhook:', done);
    }, 'main'))));
}

// Redelivers what failed since a time that is asked for.
export function replayDialog(webhookId = '') {
  const since = select([[3600, 'the last hour'], [86400, 'the last day'], [604800, 'the last week'], [0, 'all that the log keeps']], 3600);
  const pace = el('input', { type: 'number', min: '0.1', max: '10000', step: 'any', value: '50' });
  dialog('Replay failed deliveries', close => el('div', {}, el('h2', {}, 'Replay failed deliveries'),
    el('p', {}, webhookId ? 'Sends what failed to this webhook once more.' : 'Sends what failed once more, to each webhook.'),
    field('Failed deliveries of', since), field('Deliveries a second to each webhook', pace),
    el('div', { class: 'bar' }, button('Cancel', close), button('Replay', async () => {
      const body = { perSecond: Number(pace.value), webhookId };
      if (Number(since.value)) body.createdAfter = new Date(Date.now() - since.value * 1000).toISOString();
      const done = await attempt(() => call('POST', '/api/replay', body));
      if (!done) return;
      close();
      dialog('Replayed', end => el('div', {}, el('h2', {}, `${whole(done.replayed)} queued again`),
        el('p', {}, `${whole(done.skipped)} left out, because the payload is no longer kept or the webhook is off or deleted.`),
        el('div', { class: 'bar' }, button('Close', end, 'main'))));
    }, 'main'))));
}
