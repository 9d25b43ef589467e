/** What the README and its documents say is so: their programs run as printed, their tables are those of the code. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readLogs } from '../../scripts/read-logs.ts';
import { SETUPS } from '../../scripts/setups/rows.ts';
import { renderTables } from '../../scripts/setups/tables.ts';
import { variableOf } from '../../src/environment.ts';
import { resolveOptions } from '../../src/options.ts';
import { createApp, runApp } from '../support/installed-app.ts';
import { startTestServer } from '../support/start-test-server.ts';

const README = readFileSync('README.md', 'utf8');
const OPTIONS = readFileSync('docs/options.md', 'utf8');
const SERVER = readFileSync('docs/server.md', 'utf8');

const TRACING = 'scripts/setups/apps/tracing';

function program(document: string, containing: string): string {
  const programs = [...document.matchAll(/^```js\n(.+?)^```$/gms)].map(([, text]) => text as string);
  const found = programs.filter((text) => text.includes(containing));
  expect(found).toHaveLength(1);
  return found[0] as string;
}

/** The cells of the rows whose first cell is one word of code. */
function rowsOf(document: string): string[][] {
  return document
    .split('\n')
    .filter((line) => /^\| `[^`]+` +\|/.test(line))
    .map((line) =>
      line
        .split('|')
        .map((cell) => cell.trim().replaceAll('`', ''))
        .slice(1, -1),
    );
}

test('the quickstart logs what it says', async () => {
  const server = await startTestServer();
  const app = await createApp({
    packages: ['@opentelemetry/sdk-trace-node'],
    files: {
      'tracing.mjs': program(README, 'NodeTracerProvider'),
      'app.mjs': program(README, 'gen_ai.input.messages'),
    },
  });
  const [, command = ''] = /`node (--import .\/tracing.+?)` prints/.exec(README) ?? [];
  const result = await runApp(app, command.split(' '), { env: { HUMANLOOP_BASE_URL: server.baseUrl } });
  expect(result).toMatchObject({ code: 0, stdout: 'logs stored: 1\n', stderr: '' });
  expect(README).toContain('prints `logs stored: 1`');
  const [log] = await readLogs(server.baseUrl, new Date(0));
  expect(log).toMatchObject({
    config: { type: 'model', model: 'gpt-4o-mini' },
    messages: [{ role: 'user', content: 'What is the capital of Norway?' }],
    output: 'Oslo.',
  });
});

test.each([['startServer('], ['new HumanloopLogs(']])('the program with %s runs', async (part) => {
  const server = await startTestServer();
  const app = await createApp({ packages: ['@photostructure/sqlite'], files: { 'app.mjs': program(SERVER, part) } });
  const result = await runApp(app, ['app.mjs'], { env: { HUMANLOOP_BASE_URL: server.baseUrl } });
  expect(result).toMatchObject({ code: 0, stderr: expect.not.stringContaining('Error') });
});

test('the table of options is complete', () => {
  const namesOf = (options: object) => {
    const message = messageOf(() => resolveOptions(options));
    return (/one of (.+), got/.exec(message)?.[1] ?? '').split(', ');
  };
  const groups = ['batch', 'queue', 'retry', 'spool'];
  const expected = namesOf({ unknown: 1 }).flatMap((name) =>
    groups.includes(name) ? namesOf({ [name]: { directory: '.', unknown: 1 } }).map((part) => `${name}.${part}`) : name,
  );
  expect(rowsOf(OPTIONS).map(([name]) => name)).toEqual(expected);
});

test('the defaults of the table are those of the code', () => {
  const resolved = resolveOptions({ spool: { directory: '.' } }, {});
  for (const [name = '', , said = ''] of rowsOf(OPTIONS)) {
    const value: unknown = name.split('.').reduce<unknown>((within, part) => (within as never)[part], resolved);
    if (typeof value === 'number') expect([name, bytesOrNumber(said)]).toEqual([name, value]);
    else if (value !== undefined && name !== 'spool.directory') expect([name, said]).toEqual([name, String(value)]);
  }
});

test('the environment variables of the table are those of the code', () => {
  for (const [option = '', variable] of rowsOf(OPTIONS)) {
    const isRead = ['x', '5', 'true', 'gzip', 'root', 'http://x'].some((value) => {
      const env = { HUMANLOOP_SPOOL_DIRECTORY: 'x', [variableOf(option)]: value };
      return messageOf(() => resolveOptions({}, env)) !== '' || !isEqual(resolveOptions({}, env), withDirectory());
    });
    expect([option, variable]).toEqual([option, isRead || option === 'spool.directory' ? variableOf(option) : '']);
  }
});

const withDirectory = () => resolveOptions({}, { HUMANLOOP_SPOOL_DIRECTORY: 'x' });
const isEqual = (first: unknown, second: unknown) => JSON.stringify(first) === JSON.stringify(second);

test("the README's options are those of the table", () => {
  const [, section = ''] = README.split('\n## Options\n');
  const rows = rowsOf(section.split('\n## ', 1).join(''));
  expect(rows.length).toBeGreaterThan(0);
  const variables = new Map(rowsOf(OPTIONS).map(([name, variable]) => [name, variable]));
  for (const [name, variable] of rows) expect([name, variable]).toEqual([name, variables.get(name)]);
});

test('the tables of set-ups are those that npm run setups checks', async () => {
  for (const [path, text] of await renderTables()) expect(readFileSync(path, 'utf8')).toBe(text);
  const names = SETUPS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});

test.each(readdirSync(TRACING))('%s, which npm run setups runs, is in a document as it is', (file) => {
  const documents = ['README.md', 'docs/frameworks.md'].map((path) => readFileSync(path, 'utf8'));
  const text = readFileSync(`${TRACING}/${file}`, 'utf8');
  expect(documents.filter((document) => document.includes(`\`\`\`js\n${text}\`\`\``))).toHaveLength(1);
  expect(SETUPS.some(({ tracing }) => `${tracing}.mjs` === file)).toBe(true);
});

test('the program of the document on Humanloop is one that npm run setups runs', () => {
  const document = readFileSync('docs/moving-from-humanloop.md', 'utf8');
  expect(document).toContain(readFileSync('scripts/setups/apps/wrapped-functions.mjs', 'utf8'));
});

test('the README names every example', () => {
  const [, section = ''] = README.split('\n## Examples\n');
  const names = readdirSync('examples').filter((file) => file.endsWith('.ts'));
  for (const file of [...names, 'app.ts']) expect(section).toContain(`\`${file.slice(0, -3)}\``);
});

test('the README can be read in one sitting', () => {
  expect(README.split('\n').length).toBeLessThanOrEqual(320);
});

function messageOf(step: () => unknown): string {
  try {
    step();
  } catch (error) {
    return (error as Error).message;
  }
  return '';
}

function bytesOrNumber(text: string): number {
  const [, amount = '', unit = ''] = /^([\d,]+)(?: (MiB|GiB))?$/.exec(text) ?? [];
  return Number(amount.replaceAll(',', '')) * ({ MiB: 2 ** 20, GiB: 2 ** 30 }[unit] ?? 1);
}
