/** The line that hands over the exports of a package, on packages in a directory of its own. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { addToModule, addToScript } from '../../src/register/handover.ts';

const WATCHED = {
  watched: { entry: '.', replaced: [] },
  '@scope/deep': { entry: './inner', replaced: [] },
  classy: { entry: '.', replaced: ['Client'] },
  ai: { entry: '.', replaced: [] },
};

async function createPackages(files: Record<string, object | string>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'handover-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    const file = join(directory, 'node_modules', name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
  }
  return join(directory, 'node_modules');
}

const isHandedOver = (root: string, file: string) => {
  const loaded = { format: 'module', source: 'export {};' };
  return addToModule(pathToFileURL(join(root, file)).href, loaded, WATCHED) !== loaded;
};

test.each<[string, object, string[], string[]]>([
  ['main', { main: './lib/index' }, ['lib/index.js', 'lib/index/index.js'], ['index.js']],
  ['nothing', {}, ['index.js'], ['other.js']],
  ['exports, a text', { exports: './a.mjs' }, ['a.mjs'], ['b.mjs']],
  [
    'exports, with conditions',
    { exports: { '.': { node: { import: './a.mjs', require: './a.cjs' }, default: './b.js' }, './c': './c.js' } },
    ['a.mjs', 'a.cjs', 'b.js'],
    ['c.js', 'lib/a.mjs'],
  ],
])('the entry by %s', async (_, packageJson, entries, others) => {
  const root = await createPackages({ 'watched/package.json': packageJson });
  for (const file of entries) expect([file, isHandedOver(root, `watched/${file}`)]).toEqual([file, true]);
  for (const file of others) expect([file, isHandedOver(root, `watched/${file}`)]).toEqual([file, false]);
});

test('an inner entry of a package with a scope, and nested and unwatched packages', async () => {
  const exports = { '.': './index.js', './inner': { import: './dist/inner.js' } };
  const root = await createPackages({
    '@scope/deep/package.json': { exports },
    'other/package.json': {},
    'other/node_modules/watched/package.json': {},
    'broken/package.json': '{',
  });
  expect(isHandedOver(root, '@scope/deep/dist/inner.js')).toBe(true);
  expect(isHandedOver(root, '@scope/deep/index.js')).toBe(false);
  expect(isHandedOver(root, 'other/node_modules/watched/index.js')).toBe(true);
  expect(isHandedOver(root, 'other/index.js')).toBe(false);
  expect(isHandedOver(root, 'broken/index.js')).toBe(false);
});

test.each([
  ['an ES module', `export * from '../dist/inner.js'`],
  ['CommonJS', `module.exports = require('../dist/inner.js');\n`],
])('an entry that only passes another file on, as %s: that file', async (_, source) => {
  const root = await createPackages({
    '@scope/deep/package.json': { exports: { './inner': './entries/inner.js' } },
    '@scope/deep/entries/inner.js': source,
  });
  expect(isHandedOver(root, '@scope/deep/dist/inner.js')).toBe(true);
  expect(isHandedOver(root, '@scope/deep/entries/inner.js')).toBe(false);
});

test('what is not an ES module, or not a file, stays as it is', async () => {
  const root = await createPackages({ 'watched/package.json': {} });
  const url = pathToFileURL(join(root, 'watched/index.js')).href;
  for (const loaded of [{ format: 'commonjs', source: '1' }, { format: 'json', source: '{}' }, { format: 'module' }]) {
    expect(addToModule(url, loaded, WATCHED)).toBe(loaded);
  }
  const loaded = { format: 'module', source: '' };
  for (const other of [
    'node:fs',
    'data:text/javascript,0',
    'https://x/node_modules/watched/index.js',
    'file:///a%2Fb/node_modules/watched/index.js',
  ]) {
    expect(addToModule(other, loaded, WATCHED)).toBe(loaded);
  }
});

test('a module hands over itself, once, and a class is replaced within it', async () => {
  const root = await createPackages({ 'classy/package.json': { type: 'module' } });
  const file = join(root, 'classy/index.js');
  const source =
    'class Client {}\nexport { Client };\nexport const make = () => new Client();\n// no newline at the end';
  const { source: added } = addToModule(pathToFileURL(file).href, { format: 'module', source }, WATCHED);
  await writeFile(file, added);
  const handedOver: string[] = [];
  class Replacing {}
  onLoaded((name, exports) => {
    handedOver.push(name, ...Object.keys(exports));
    exports['Client'] = Replacing;
  });
  const { Client, make } = await import(/* @vite-ignore */ pathToFileURL(file).href);
  expect(handedOver).toEqual(['classy', 'Client', 'make']);
  expect(Client).toBe(Replacing);
  expect(make()).toBeInstanceOf(Replacing);
  expect(addToScript(file, added, 'module', WATCHED)).toBe(added);
});

test('a script hands over what it exports in the end', async () => {
  const root = await createPackages({ 'watched/package.json': {} });
  const source = addToScript(
    join(root, 'watched/index.js'),
    'exports = module.exports = () => 1; //',
    undefined,
    WATCHED,
  );
  const module = { exports: {} };
  let handedOver: object | undefined;
  onLoaded((_, exports) => {
    handedOver = exports;
  });
  new Function('module', 'exports', source)(module, module.exports);
  expect(handedOver).toBe(module.exports);
  expect(module.exports).toBeTypeOf('function');
});

test('the functions of the AI SDK 5 and 6 are replaced, and those of 7 are not', async () => {
  const root = await createPackages({ 'ai/package.json': {} });
  const path = join(root, 'ai/index.js');
  const six = 'async function generateText({ experimental_telemetry }) {}\nfunction internal() {}';
  expect(addToScript(path, six, undefined, WATCHED)).toContain('generateText = ');
  expect(addToScript(path, six, undefined, WATCHED)).not.toContain('streamText = ');
  const seven = `${six}\nfunction registerTelemetry(...integrations) {}`;
  expect(addToScript(path, seven, undefined, WATCHED)).not.toContain('generateText = ');
});

function onLoaded(receive: (name: string, exports: Record<string, unknown>) => void): void {
  const key = Symbol.for('humanloop-otel.loaded');
  Object.assign(globalThis, { [key]: receive });
  onTestFinished(() => void Reflect.deleteProperty(globalThis, key));
}
