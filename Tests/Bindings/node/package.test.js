'use strict';

// What is in the package, and how it is loaded.

const assert = require('node:assert/strict');
const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const { codes, file, sign, verify, version } = require('./helpers.js');

const root = path.dirname(file);
const [folder] = fs.readdirSync(path.join(root, 'prebuilds')).map((name) => path.join(root, 'prebuilds', name));
const addon = path.join(folder, 'martlet.node');
const header = fs.readFileSync(path.join(__dirname, '../../../include/martlet.h'), 'utf8');

test('the package has the version of the header, and its library the same or a later one', () => {
  assert.equal(require(path.join(root, 'package.json')).version, /MARTLET_VERSION "(.*)"/.exec(header)[1]);
  assert.match(version, /^\d+\.\d+\.\d+$/);
});

test('the codes are those of the header', () => {
  for (const [, name, number] of header.matchAll(/^#define MARTLET_ERROR_([A-Z_]+) \((-\d+)\)$/gm)) {
    assert.equal(codes[name], Number(number), name);
  }
  assert.equal(codes.OK, 0);
  assert.ok(Object.isFrozen(codes));
});

test('the addon shows the two names that Node asks for, and needs the library beside it and no C++', () => {
  const symbols = execFileSync('nm', ['-D', '--defined-only', addon], { encoding: 'utf8' });
  const names = symbols.trim().split('\n').map((line) => line.split(' ')[2]);
  assert.deepEqual(names, ['napi_register_module_v1', 'node_api_module_get_api_version_v1']);
  const dynamic = execFileSync('readelf', ['-d', addon], { encoding: 'utf8' });
  assert.match(dynamic, /NEEDED.*\[libmartlet\.so\.\d+\]/);
  assert.doesNotMatch(dynamic, /libstdc\+\+|libnode|libuv/);
  assert.match(dynamic, /R(UN)?PATH.*\[\$ORIGIN\]/);
  assert.match(dynamic, /NODELETE/);
});

test('a library that does not fit is refused by its version', (t) => {
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'martlet-node-'));
  t.after(() => fs.rmSync(work, { recursive: true }));
  const soname = fs.readdirSync(folder).find((name) => name.startsWith('libmartlet'));
  for (const [number, text] of [['0x00000001', '0.0.1'], ['0x00010000', '1.0.0']]) {
    const source = path.join(work, 'old.c');
    fs.writeFileSync(source, `unsigned martlet_version_number(void) { return ${number}; }
      const char *martlet_version(void) { return "${text}"; }`);
    fs.writeFileSync(path.join(work, 'old.map'), 'MARTLET_0 { *; };');
    const linking = `-Wl,-soname,${soname},--version-script=${work}/old.map`;
    execFileSync('cc', ['-shared', '-fPIC', linking, source, '-o', path.join(work, soname)]);
    const LD_LIBRARY_PATH = [work, process.env.LD_LIBRARY_PATH].filter(Boolean).join(':');
    const { status, stderr } = spawnSync(process.execPath, ['-e', `require(${JSON.stringify(file)})`], {
      env: { ...process.env, LD_LIBRARY_PATH }, encoding: 'utf8',
    });
    assert.equal(status, 1);
    assert.match(stderr, /the Node binding was made for libmartlet /);
    assert.ok(stderr.includes(`but ${text} was loaded`), stderr);
  }
});

test('it can be imported with its names', () => {
  const code = `import martlet, { Engine, MartletError, codes, sign, verify, version } from ${JSON.stringify(file)};
    console.log(martlet.Engine === Engine, typeof MartletError, typeof codes, typeof sign, typeof verify, version);`;
  const printed = execFileSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
  assert.equal(printed, `true function object function function ${version}\n`);
});

test('verify takes headers as Node and as fetch have them, and the body as text or bytes', () => {
  const secret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
  const other = `whsec_${Buffer.alloc(32, 2).toString('base64')}`;
  const now = Math.floor(Date.now() / 1000);
  const body = '{"größe":1}';
  const signature = sign(secret, 'evt_1', now, body);
  const headers = { 'webhook-id': 'evt_1', 'webhook-timestamp': `${now}`, 'webhook-signature': signature };
  for (const sent of [headers, new Headers(headers)]) {
    for (const received of [body, Buffer.from(body), new TextEncoder().encode(body)]) {
      assert.equal(verify([other, secret], sent, received), undefined);
      assert.throws(() => verify(other, sent, received), { code: 'VERIFICATION_FAILED' });
    }
  }
  assert.equal(sign([other, secret], 'evt_1', now, body).split(' ').length, 2);
  const options = { now: now + 400 };
  assert.throws(() => verify(secret, headers, body, options), { code: 'VERIFICATION_FAILED' });
  verify(secret, headers, body, { ...options, toleranceSeconds: 500 });
  assert.throws(() => verify(secret, headers, body, { now: 'yesterday' }), { code: 'INVALID_ARGUMENT' });
  assert.throws(() => verify(secret, {}, body), { code: 'VERIFICATION_FAILED' });
  assert.throws(() => verify('nonsense', headers, body), { code: 'INVALID_ARGUMENT' });
  assert.throws(() => verify(undefined, headers, body), { code: 'INVALID_ARGUMENT' });
  // What a framework has parsed is not what was signed.
  assert.throws(() => verify(secret, headers, JSON.parse(body)), { name: 'MartletError', message: /string, Buffer/ });
});
