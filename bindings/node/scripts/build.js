'use strict';

// Builds the addon and puts it into prebuilds/, with the self-contained library beside it.
//
//   node scripts/build.js
//
// The library is taken from the prefix that MARTLET_PREFIX names; in a clone it is built by bindings/c/install.sh,
// which needs the Swift toolchain; elsewhere pkg-config is asked. The addon is built by node-gyp, npm's own or one in
// PATH, with the headers of this Node where they are installed, so that nothing is downloaded.

const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..');
const installer = path.join(root, '..', 'c', 'install.sh');

function fail(text) {
  console.error(`martlet: ${text}`);
  process.exit(1);
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) fail(`${path.basename(command)} failed${error ? `: ${error.message}` : ''}`);
}

/** The folder that holds lib/libmartlet.so and include/martlet.h. */
function findPrefix() {
  if (process.env.MARTLET_PREFIX) return path.resolve(process.env.MARTLET_PREFIX);
  if (fs.existsSync(installer)) {
    const prefix = path.join(root, 'build', 'prefix');
    run('bash', [installer, '--prefix', prefix]);
    return prefix;
  }
  try {
    return execFileSync('pkg-config', ['--variable=prefix', 'martlet'], { encoding: 'utf8' }).trim();
  } catch {
    return fail('libmartlet is not installed; name its prefix in MARTLET_PREFIX, or install from a clone');
  }
}

/** npm tells its scripts where its node-gyp is. */
function findNodeGyp() {
  const npm = path.join(path.dirname(process.execPath), '..', 'lib', 'node_modules', 'npm');
  const beside = path.join(npm, 'node_modules', 'node-gyp', 'bin', 'node-gyp.js');
  const file = [process.env.npm_config_node_gyp, beside].find((file) => file && fs.existsSync(file));
  return file ? [process.execPath, file] : ['node-gyp'];
}

/** Where this Node's own headers are installed, as most packages of Node have them. */
function localHeaders() {
  const folder = path.dirname(path.dirname(fs.realpathSync(process.execPath)));
  return fs.existsSync(path.join(folder, 'include', 'node', 'node_api.h')) ? [`--nodedir=${folder}`] : [];
}

const prefix = findPrefix();
const library = path.join(prefix, 'lib', 'libmartlet.so');
const header = path.join(prefix, 'include', 'martlet.h');
for (const file of [library, header]) if (!fs.existsSync(file)) fail(`${file} is missing`);
const major = /^#define MARTLET_VERSION_MAJOR (\d+)$/m.exec(fs.readFileSync(header, 'utf8'))?.[1];
if (major === undefined) fail(`${header} names no version`);

const [command, ...before] = findNodeGyp();
run(command, [...before, 'configure', ...localHeaders(), '--', `-Dmartlet_prefix=${prefix}`]);
run(command, [...before, 'build']);

// Only glibc has a version to report.
const libc = process.report.getReport().header.glibcVersionRuntime ? 'glibc' : 'musl';
const folder = path.join(root, 'prebuilds', `${process.platform}-${process.arch}-${libc}`);
fs.mkdirSync(folder, { recursive: true });

/** Written beside and renamed, so that a running program never meets half a file. */
function place(file, name) {
  const target = path.join(folder, name);
  fs.copyFileSync(file, `${target}.new`);
  fs.chmodSync(`${target}.new`, 0o755);
  fs.renameSync(`${target}.new`, target);
}
place(fs.realpathSync(library), `libmartlet.so.${major}`);
place(path.join(root, 'build', 'Release', 'martlet.node'), 'martlet.node');
