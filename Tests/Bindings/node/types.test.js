'use strict';

// index.d.ts against a program that uses it, and against the configuration reference: no key is missing.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const martlet = require('./helpers.js');

const place = path.join(process.cwd(), 'types');
fs.mkdirSync(place, { recursive: true });

/** Compiles a program and gives what the compiler says. */
function compile(name, code) {
  fs.writeFileSync(path.join(place, name), code);
  const compilerOptions = {
    noEmit: true, strict: true, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true, target: 'es2020',
    lib: ['es2020'], module: 'commonjs', moduleResolution: 'node', types: [],
  };
  const project = path.join(place, 'tsconfig.json');
  fs.writeFileSync(project, JSON.stringify({ compilerOptions, files: [name] }));
  const { stdout, error } = spawnSync('tsc', ['--project', project], { encoding: 'utf8' });
  if (error) throw error;
  return stdout;
}

test('a program that uses everything compiles, and mistakes do not', () => {
  assert.equal(compile('types.ts', fs.readFileSync(path.join(__dirname, 'types.ts'), 'utf8')), '');
});

test('every key of the configuration reference is typed', () => {
  const page = fs.readFileSync(path.join(__dirname, '../../../Sources/Martlet/Martlet.docc/Configuration.md'), 'utf8');
  const types = { 'Engine configuration': 'EngineConfiguration', Webhook: 'Webhook', Event: 'EventDocument' };
  // What an answer has and a request cannot set.
  const answered = new Set(['id', 'disabled', 'createdAt', 'updatedAt']);
  const lines = [];
  for (const section of page.split(/^## /m)) {
    const type = types[section.slice(0, section.indexOf('\n'))];
    if (!type) continue;
    for (const [, key] of section.matchAll(/^\| `([\w.]+)` \|/gm)) {
      const of = type === 'Webhook' && answered.has(key) ? 'StoredWebhook' : type;
      const literal = key.split('.').reduceRight((inner, name) => `{ ${name}: ${inner} }`, 'anything');
      lines.push(`export const a${lines.length}: Partial<import('martlet').${of}> = ${literal}; // ${key}`);
    }
  }
  assert.ok(lines.length > 80);
  assert.equal(compile('keys.ts', `declare const anything: any;\n${lines.join('\n')}\n`), '');
});

test('every method is typed, and every type of a method is there', () => {
  const declared = fs.readFileSync(path.join(path.dirname(martlet.file), 'index.d.ts'), 'utf8');
  const engine = new martlet.Engine({ environment: 'development' });
  for (const [name, object] of [['class Engine', engine], ['interface Webhooks', engine.webhooks]]) {
    const body = declared.slice(declared.indexOf(`${name} {`)).split('\n}')[0];
    const typed = [...body.matchAll(/^  (\w+)\(/gm)].map(([, method]) => method);
    const there = new Set(Object.getOwnPropertyNames(Object.getPrototypeOf(object)));
    assert.deepEqual([...new Set([...typed, 'constructor'])].sort(), [...there].sort());
  }
  engine.free();
});
