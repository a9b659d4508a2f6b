// The numbers at a glance, and charts of the last five minutes.
import { attempt, get, milliseconds, percent, whole } from './api.js';
import { el, fill, link, table } from './dom.js';
import { follow, gently, on } from './live.js';

const KEPT = 300;
const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// Each chart: its title, and for each line the label, how it is read from a sample, and its colour.
const CHARTS = [
  ['Deliveries a second', whole, [['Succeeded', 'succeeded', '--good', true], ['Failed', 'failed', '--bad', true]]],
  ['Latency of attempts', milliseconds, [['p50', 'p50', '--good'], ['p95', 'p95', '--warn'], ['p99', 'p99', '--bad']]],
  ['Success rate', value => `${Math.round(value * 100)} %`, [['Succeeded', 'successRate', '--good', true]], 1],
  ['Queue depth', whole, [['Events', 'queue', '--accent', true], ['In flight', 'inFlight', '--warn']]],
];

function chart(canvas, [title, read, lines, maximum], samples) {
  return new Chart(canvas, {
    type: 'line',
    data: { labels: samples.map(each => each.at), datasets: lines.map(([label, key, name, isFilled]) => ({
      label, key, borderColor: colour(name), backgroundColor: `${colour(name)}22`, fill: Boolean(isFilled), data: samples.map(each => each[key]),
      borderWidth: 1.8, pointRadius: 0, pointHitRadius: 12, tension: 0.25, spanGaps: true })) },
    options: {
      animation: false, responsive: true, maintainAspectRatio: false, interaction: { mode: 'index', intersect: false },
      plugins: {
        legend: { display: lines.length > 1, align: 'end', labels: { color: colour('--soft'), boxWidth: 18, usePointStyle: true, pointStyle: 'line' } },
        tooltip: { callbacks: { title: items => new Date(Number(items[0].label)).toLocaleTimeString(), label: item => `${item.dataset.label}: ${read(item.parsed.y)}` } },
      },
      scales: {
        x: { grid: { display: false }, border: { display: false }, ticks: { color: colour('--soft'), maxTicksLimit: 5, maxRotation: 0, callback(value) { return new Date(Number(this.getLabelForValue(value))).toLocaleTimeString(); } } },
        y: { beginAtZero: true, max: maximum, suggestedMax: 1, grid: { color: colour('--line'), drawBorder: false }, ticks: { color: colour('--soft'), maxTicksLimit: 5, callback: value => read(value) } },
      },
    },
  });
}

export async function overviewPage(place) {
  const figures = el('dl', { class: 'figures' });
  const ranks = el('div', { class: 'grid' });
  const canvases = CHARTS.map(([title]) => el('canvas', { role: 'img', 'aria-label': `${title}, the last five minutes` }));
  let charts = [];
  let samples = [];

  async function load() {
    const answer = await get('/api/overview');
    ({ samples } = answer);
    const { deliveries } = answer;
    const ended = deliveries.succeeded + deliveries.failed + deliveries.expired;
    const rows = [['Webhooks', whole(answer.webhooks)], ['Succeeded', whole(deliveries.succeeded)], ['Failed', whole(deliveries.failed + deliveries.expired)],
      ['Success rate', percent(ended ? deliveries.succeeded / ended : null)], ['Waiting', whole(deliveries.pending)], ['Retries', whole(deliveries.retries)]];
    fill(figures, rows.map(([name, value]) => el('div', { class: 'figure' }, el('dt', {}, name), el('dd', {}, value))));
    const named = each => (each.webhook ? link(each.webhook, `#/webhooks/${each.id}`) : 'deleted webhook');
    fill(ranks, rank('Slowest webhooks', ['Webhook', 'Median'], answer.slowest.map(each => [named(each), milliseconds(each.medianMs)])),
      rank('Failing webhooks', ['Webhook', 'Success'], answer.failing.map(each => [named(each), percent(each.successRate)])));
    // Nothing more may happen that would ask for the newer ones.
    if (answer.ranksAreOld) refresh();
  }
  const refresh = gently(() => attempt(load), 1000);

  function draw() {
    charts.forEach(each => each.destroy());
    charts = CHARTS.map((each, index) => chart(canvases[index], each, samples));
  }

  function add(sample) {
    for (const each of charts) {
      each.data.labels.push(sample.at);
      for (const line of each.data.datasets) line.data.push(sample[line.key]);
      while (each.data.labels.length > KEPT) {
        each.data.labels.shift();
        for (const line of each.data.datasets) line.data.shift();
      }
      each.update('none');
    }
  }

  fill(place, el('div', { class: 'head' }, el('div', {}, el('h1', {}, 'Overview'), el('p', {}, 'Since this dashboard was started; charts show the last five minutes.'))), figures,
    el('div', { class: 'grid' }, CHARTS.map(([title], index) => el('section', { class: 'card' }, el('h2', {}, title), el('div', { class: 'chart' }, canvases[index])))), ranks);
  const stop = await follow(['change', 'webhooks'], refresh, load);
  // A canvas has its size once it is on the page.
  requestAnimationFrame(draw);
  const theme = window.matchMedia('(prefers-color-scheme: dark)');
  const redraw = () => attempt(async () => { await load(); draw(); });
  theme.addEventListener('change', redraw);
  const end = on('sample', add);
  return () => {
    stop();
    end();
    theme.removeEventListener('change', redraw);
    charts.forEach(each => each.destroy());
  };
}

function rank(title, heads, rows) {
  return el('section', { class: 'card flush' }, el('div', { class: 'card-head' }, el('h2', {}, title)), rows.length
    ? table(heads, rows.map(([name, value]) => el('tr', {}, el('td', {}, el('div', { class: 'name' }, name)), el('td', { class: 'number-cell' }, value))), '')
    : el('div', { class: 'empty' }, el('p', {}, 'None.')));
}
