// Opens the session, then shows the page that the address names.
import { get, login, openSession } from './api.js';
import { el, field, fill } from './dom.js';
import { connect } from './live.js';
import { deliveriesPage } from './deliveries.js';
import { deliveryPage } from './delivery.js';
import { editorPage } from './editor.js';
import { overviewPage } from './overview.js';
import { simulatePage } from './simulate.js';
import { undeliveredPage } from './undelivered.js';
import { webhookPage } from './webhook.js';
import { webhooksPage } from './webhooks.js';

const ROUTES = [
  [/^\/overview$/, overviewPage, 'Overview'],
  [/^\/webhooks$/, webhooksPage, 'Webhooks'],
  [/^\/webhooks\/new$/, editorPage, 'Webhooks'],
  [/^\/webhooks\/([\w-]+)$/, webhookPage, 'Webhooks'],
  [/^\/webhooks\/([\w-]+)\/edit$/, editorPage, 'Webhooks'],
  [/^\/deliveries$/, deliveriesPage, 'Deliveries'],
  [/^\/deliveries\/([\w-]+)$/, deliveryPage, 'Deliveries'],
  [/^\/undelivered$/, undeliveredPage, 'Undelivered'],
  [/^\/simulate$/, simulatePage, 'Simulate'],
];

const main = document.getElementById('main');
let leave = null;
let turn = 0;

async function show() {
  // The link that skips to the page is no page.
  if (location.hash === '#main') { main.focus(); return; }
  const [path, query] = (location.hash.slice(1) || '/overview').split('?');
  const found = ROUTES.map(([pattern, page, title]) => [path.match(pattern), page, title]).find(([match]) => match);
  const mine = ++turn;
  leave?.();
  leave = null;
  document.querySelectorAll('dialog').forEach(dialog => dialog.close());
  if (!found) { location.hash = '#/overview'; return; }
  const [match, page, title] = found;
  document.title = `${title} · Martlet`;
  for (const anchor of document.querySelectorAll('.side nav a')) {
    if (anchor.textContent === title) anchor.setAttribute('aria-current', 'page');
    else anchor.removeAttribute('aria-current');
  }
  // Each page gets a place of its own, so that an answer that comes late shows nowhere.
  const place = el('div', { class: 'page' });
  try {
    const gone = await page(place, match[1], new URLSearchParams(query));
    if (mine !== turn) { gone?.(); return; }
    leave = gone;
  } catch (error) {
    if (mine !== turn) return;
    fill(place, el('div', { class: 'card' }, el('h1', {}, 'This did not work'), el('p', {}, error.message),
      el('a', { href: '#/overview' }, 'Go to the overview')));
  }
  fill(main, place);
  main.focus({ preventScroll: true });
  window.scrollTo(0, 0);
}

function askForToken() {
  document.querySelector('.side nav').hidden = true;
  const input = el('input', { type: 'password', autocomplete: 'current-password', required: true });
  const asked = field('Token', input, { hint: 'The terminal of the dashboard says where it is.' });
  const form = el('form', { class: 'card' }, el('h1', {}, 'Martlet'), asked, el('div', { class: 'bar' },
    el('button', { class: 'button main', type: 'submit' }, 'Open the dashboard')));
  form.addEventListener('submit', async event => {
    event.preventDefault();
    try {
      await login(input.value);
      document.querySelector('.side nav').hidden = false;
      await begin();
    } catch (error) {
      asked.setError(error.message);
    }
  });
  fill(main, form);
  input.focus();
}

async function begin() {
  const about = await get('/api/about');
  const environment = document.getElementById('environment');
  environment.textContent = about.environment;
  environment.hidden = false;
  connect();
  window.addEventListener('hashchange', show);
  await show();
}

if (await openSession()) await begin();
else askForToken();
