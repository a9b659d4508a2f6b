// Talks to the server.
import { note } from './dom.js';

let csrf = '';

export class Refused extends Error {
  constructor(text, status, code) {
    super(text);
    this.status = status;
    this.code = code;
  }
}

export async function openSession() {
  const answer = await (await fetch('/api/session')).json();
  csrf = answer.csrf || '';
  return !answer.tokenNeeded;
}

export async function login(token) {
  const answer = await fetch('/login', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ token }) });
  const document = await answer.json();
  if (!answer.ok) throw new Refused(document.error, answer.status);
  csrf = document.csrf;
}

async function send(method, path, body) {
  const headers = { 'X-CSRF-Token': csrf };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  return fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
}

// The server's answer; throws Refused with its words.
export async function call(method, path, body) {
  let answer = await send(method, path, body);
  // The server was started anew: its sessions are new ones too.
  if ((answer.status === 403 || answer.status === 401) && await openSession()) answer = await send(method, path, body);
  if (answer.status === 401) location.reload();
  const document = await answer.json().catch(() => ({ error: `the server answered ${answer.status}` }));
  if (!answer.ok) throw new Refused(document.error, answer.status, document.code);
  return document;
}

export const get = (path, query = {}) => {
  const given = Object.entries(query).filter(([, value]) => value !== '' && value !== null && value !== undefined);
  return call('GET', given.length ? `${path}?${new URLSearchParams(given)}` : path);
};

// Runs an action of a button and tells what went wrong.
export async function attempt(action) {
  try {
    return await action();
  } catch (error) {
    note(error.message, true);
    return undefined;
  }
}

// What a person reads.
const times = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
export const time = value => (value ? times.format(new Date(value)) : '–');

export function ago(value) {
  if (!value) return '–';
  const seconds = Math.round((Date.now() - new Date(value).getTime()) / 1000);
  if (seconds < -1) return `in ${span(-seconds)}`;
  return seconds < 2 ? 'just now' : `${span(seconds)} ago`;
}

function span(seconds) {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

export const percent = value => (value === null || value === undefined ? '–' : `${(value * 100).toFixed(value === 1 ? 0 : 1)} %`);
export const whole = value => new Intl.NumberFormat().format(value ?? 0);
export const milliseconds = value => (value === null || value === undefined ? '–' : value === 0 ? '0 ms'
  : value >= 1000 ? `${(value / 1000).toFixed(2)} s` : `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`);
