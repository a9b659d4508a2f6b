// Adds or edits a webhook: the seven steps on one page.
import { call, get } from './api.js';
import { el, field, fill, note } from './dom.js';
import { advanced, chooser, eventChooser, headerRows } from './editor_parts.js';
import { secretDialog } from './secret.js';

export async function editorPage(place, id) {
  const [about, choices, webhook] = await Promise.all([
    get('/api/about'), get('/api/choices'), id ? get(`/api/webhooks/${id}`) : null]);
  const url = el('input', { type: 'url', required: true, autocomplete: 'off', spellcheck: 'false', placeholder: 'https://your-server.com/webhook', value: webhook?.url || '' });
  const fine = el('span', { class: 'fine', role: 'status' });
  const urlField = field('Webhook URL', url, { key: 'url', hint: about.environment === 'production'
    ? 'A publicly accessible HTTPS URL. Addresses of this machine and of private networks are refused.'
    : 'In development, http and this machine are allowed too; in production only public HTTPS URLs.' });
  urlField.append(fine);
  const description = el('input', { autocomplete: 'off', maxlength: '512', value: webhook?.description || '', placeholder: 'What it is for (optional)' });
  const agents = chooser('agents', 'agent', choices.agents, webhook?.agents);
  const workflows = chooser('workflows', 'workflow', choices.workflows, webhook?.workflows);
  const headers = headerRows(webhook?.headers || []);
  const events = eventChooser(about.eventTypes, webhook?.events || []);
  const more = advanced(webhook);
  const failed = el('p', { class: 'error', role: 'alert' });
  const submit = el('button', { type: 'submit', class: 'button main' }, id ? 'Update Webhook' : 'Create Webhook');

  watchURL(url, urlField, fine);
  const steps = [
    ['Endpoint', urlField, field('Description', description, { key: 'description' })],
    ['Agents', agents.element], ['Workflows', workflows.element], ['Custom headers', headers.element], ['Events', events.element], ['Advanced', more.element],
  ];
  const form = el('form', { class: 'card', novalidate: true },
    steps.map(([title, ...parts], index) => el('section', { class: 'step', 'aria-label': title },
      el('span', { class: 'number', 'aria-hidden': 'true' }, index + 1), el('div', {}, el('h2', {}, title), parts))),
    el('section', { class: 'step', 'aria-label': 'Finish' }, el('span', { class: 'number', 'aria-hidden': 'true' }, '7'),
      el('div', {}, el('h2', {}, id ? 'Update' : 'Create'), el('p', { class: 'hint' }, id ? 'Attempts that start from now on use the new settings.'
        : 'The signing secret is shown once after this.'), failed,
      el('div', { class: 'bar' }, el('a', { class: 'button', href: id ? `#/webhooks/${id}` : '#/webhooks' }, 'Cancel'), submit))));

  function problem(text) {
    // The library names the key first: the field that it speaks of shows the text too.
    const key = text.split(/[\s:.[]/)[0];
    const owner = form.querySelector(`[data-key="${CSS.escape(key)}"]`);
    failed.textContent = text;
    if (!owner) return;
    owner.closest('details')?.setAttribute('open', '');
    owner.setError?.(text);
    owner.querySelector('input, select, textarea')?.focus();
  }

  form.addEventListener('submit', async event => {
    event.preventDefault();
    failed.textContent = '';
    form.querySelectorAll('[data-key]').forEach(each => each.setError?.(null));
    if (!events.value().length) { problem('events: choose at least one event'); return; }
    submit.disabled = true;
    try {
      const document = { url: url.value, description: description.value, agents: agents.value(), workflows: workflows.value(),
        headers: headers.value(), events: events.value(), ...more.value() };
      if (id) {
        await call('PUT', `/api/webhooks/${id}`, document);
        note('The webhook was updated.');
        location.hash = `#/webhooks/${id}`;
      } else {
        const done = await call('POST', '/api/webhooks', document);
        secretDialog(done.secret, 'The receiver verifies signatures with it. Give it to whoever runs the receiver:',
          () => { location.hash = '#/webhooks'; });
      }
    } catch (error) {
      problem(error.message);
    } finally {
      submit.disabled = false;
    }
  });

  fill(place, el('div', { class: 'head' }, el('div', {}, el('h1', {}, id ? 'Edit webhook' : 'Add webhook'),
    el('p', {}, 'Tell where events go and which ones.'))), form);
  return () => {};
}

// The library's own reason, as the URL is typed; an answer that was overtaken is dropped.
function watchURL(url, urlField, fine) {
  let asked = 0;
  let timer = null;
  async function judge() {
    const mine = ++asked;
    const text = url.value.trim();
    fine.textContent = '';
    if (!text) { urlField.setError(null); return; }
    try {
      const { reason } = await call('POST', '/api/webhooks/check', { url: text });
      if (mine !== asked) return;
      urlField.setError(reason);
      fine.textContent = reason ? '' : 'This URL is accepted.';
    } catch (error) {
      if (mine === asked) urlField.setError(error.message);
    }
  }
  url.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(judge, 150); });
}
