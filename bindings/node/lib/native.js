'use strict';

const fs = require('node:fs');
const path = require('node:path');

const prebuilds = path.join(__dirname, '..', 'prebuilds');

/** Loads the addon, which came with the package or was built when it was installed. */
function load() {
  const machine = `${process.platform}-${process.arch}`;
  const folders = fs.existsSync(prebuilds) ? fs.readdirSync(prebuilds).filter((name) => name.startsWith(machine)) : [];
  let cause;
  // One for each C library: that of another one does not load.
  for (const folder of folders) {
    try {
      return require(path.join(prebuilds, folder, 'martlet.node'));
    } catch (error) {
      if (error.code === 'MARTLET_VERSION') throw error;
      cause ??= error;
    }
  }
  const what = cause ? `could not be loaded: ${cause.message}` : `is missing for ${machine}; run "npm rebuild martlet"`;
  throw new Error(`the native part of martlet ${what}`, { cause });
}

const native = load();
Object.freeze(native.codes);

module.exports = native;
