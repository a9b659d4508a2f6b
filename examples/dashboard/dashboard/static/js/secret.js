// Shows a signing secret, once.
import { button, dialog, el, note } from './dom.js';

export function secretDialog(secret, text, closed = () => {}) {
  const value = el('input', { readonly: true, value: secret, 'aria-label': 'Signing secret', autocomplete: 'off', spellcheck: 'false' });
  async function copy() {
    value.select();
    try {
      await navigator.clipboard.writeText(secret);
      note('Copied.');
    } catch {
      // Not a secure place, or not allowed: what is selected can still be copied by hand.
      note(document.execCommand('copy') ? 'Copied.' : 'Press Ctrl-C to copy.');
    }
  }
  const shown = dialog('Signing secret', close => el('div', {}, el('h2', {}, 'Signing secret'), el('p', {}, text),
    el('div', { class: 'secret' }, value, button('Copy', copy)),
    el('p', { class: 'hint' }, 'It is shown this once. Whoever has it can forge events: keep it as you keep a password.'),
    el('div', { class: 'bar' }, button('I have it', close, 'main'))));
  shown.addEventListener('close', () => { value.value = ''; closed(); });
}
