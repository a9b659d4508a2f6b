// Pushes events, so that a newcomer sees things move.
import { attempt, call, get, whole } from './api.js';
import { button, el, field, fill, link, note, select } from './dom.js';
import { follow, gently } from './live.js';
import { deliveryTable } from './deliveries.js';

const DEMO = [
  ['Healthy', 'answers at once and verifies signatures'], ['Slow', 'takes most of a second'],
  ['Failing', 'answers 503 four times of five'], ['Rate-limited', 'takes five a second, then answers 429 with Retry-After'],
];

export async function simulatePage(place) {
  const about = await get('/api/about');
  const types = new Map(about.eventTypes.map(each => [each.name, each]));
  const type = select(about.eventTypes.map(each => [each.name, `${each.title} (${each.name})`]), 'call.completed');
  const data = el('textarea', { spellcheck: 'false' });
  const count = el('input', { type: 'number', min: '1', max: '10000', value: '1' });
  const key = el('input', { autocomplete: 'off', placeholder: 'such as call_1' });
  const sample = () => { data.value = JSON.stringify(types.get(type.value).sample ?? {}, null, 2); };
  const dataField = field('Data (JSON)', data, { hint: 'The sample of the event type; change it as you like.' });
  const countField = field('How many', count);
  const recent = el('section', { class: 'card flush', 'aria-label': 'Newest deliveries' });
  type.addEventListener('change', sample);
  sample();

  async function push(number) {
    try { JSON.parse(data.value); dataField.setError(null); } catch (error) { dataField.setError(error.message); data.focus(); return; }
    const done = await attempt(() => call('POST', '/api/simulate', { eventType: type.value, data: data.value, count: number, key: key.value || null }));
    if (done) note(`${whole(done.accepted)} ${done.accepted === 1 ? 'event' : 'events'} pushed.`);
  }

  const demo = el('input', { type: 'checkbox', role: 'switch', checked: about.demo.enabled, disabled: !about.demo.possible, 'aria-label': 'Demo receivers',
    onchange: async () => {
      const done = await attempt(() => call('POST', '/api/demo', { enabled: demo.checked }));
      if (done) note(done.enabled ? 'Four demo receivers and their webhooks are on.' : 'The demo receivers are off, and their webhooks too.');
      else demo.checked = !demo.checked;
    } });

  async function load() {
    const { deliveries } = await get('/api/deliveries');
    fill(recent, el('div', { class: 'card-head' }, el('h2', {}, 'Newest deliveries'), link('All', '#/deliveries')),
      deliveries.length ? deliveryTable(deliveries.slice(0, 10)) : el('div', { class: 'empty' }, el('p', {}, 'Nothing yet: switch on the demo receivers and push an event.')));
  }

  fill(place, el('div', { class: 'head' }, el('div', {}, el('h1', {}, 'Simulate'), el('p', {}, 'Push events and watch what becomes of them.'))),
    el('div', { class: 'grid' },
      el('section', { class: 'card' }, el('h2', {}, 'Push an event'), field('Event type', type), dataField,
        el('details', {}, el('summary', {}, 'Burst and order'), el('div', { class: 'columns' }, countField,
          field('Key', key, { hint: 'Webhooks ordered by key get events of one key one after the other.' }))),
        el('div', { class: 'bar' }, button('Push 100', () => push(100)), button('Push', () => push(Number(count.value)), 'main'))),
      el('section', { class: 'card' }, el('div', { class: 'card-head' }, el('h2', {}, 'Demo receivers'), el('label', { class: 'switch' }, demo)),
        el('p', { class: 'hint' }, about.demo.possible ? 'Four receivers on this machine, each with a webhook for all events.'
          : 'Only with --environment development: production does not deliver to this machine.'),
        el('dl', { class: 'facts' }, DEMO.map(([name, text]) => [el('dt', {}, name), el('dd', {}, text)])))),
    recent);
  return follow(['change'], gently(() => attempt(load)), load);
}
