// News from the server, without a reload. Pages subscribe while they are shown.
const listeners = new Map();
let source = null;

export function connect() {
  source?.close();
  const place = document.getElementById('live');
  source = new EventSource('/api/live');
  source.onopen = () => {
    place.textContent = 'live';
    place.classList.add('on');
    // Something may have happened meanwhile.
    tell('change', {});
    tell('webhooks', null);
  };
  source.onerror = () => {
    place.textContent = 'reconnecting';
    place.classList.remove('on');
    // The browser tries again by itself, except after an answer that is an error.
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 2000);
  };
  for (const name of ['change', 'sample', 'webhooks']) {
    source.addEventListener(name, event => tell(name, JSON.parse(event.data)));
  }
}

function tell(name, document) {
  for (const listener of listeners.get(name) || []) listener(document);
}

export function on(name, listener) {
  if (!listeners.has(name)) listeners.set(name, new Set());
  listeners.get(name).add(listener);
  return () => listeners.get(name).delete(listener);
}

// Runs at once, then at the most once in `wait` milliseconds however often it is called, and never twice at a time.
export function gently(action, wait = 800) {
  let timer = null;
  let isRunning = false;
  let isWanted = false;
  async function run() {
    if (isRunning || timer) { isWanted = true; return; }
    isRunning = true;
    isWanted = false;
    try { await action(); } finally {
      isRunning = false;
      timer = setTimeout(() => { timer = null; if (isWanted) run(); }, wait);
    }
  }
  run.stop = () => { clearTimeout(timer); timer = true; };
  return run;
}

// Loads, and calls `refresh` for news from then on, and once for those that came while it loaded: what it read may be older.
// Answers what ends it.
export async function follow(names, refresh, load) {
  let isLoaded = false;
  let isBehind = false;
  const ends = names.map(name => on(name, () => { if (isLoaded) refresh(); else isBehind = true; }));
  const stop = () => { ends.forEach(end => end()); refresh.stop(); };
  try { await load(); } catch (error) { stop(); throw error; }
  isLoaded = true;
  if (isBehind) refresh();
  return stop;
}
