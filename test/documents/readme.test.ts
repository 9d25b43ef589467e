/** What the README says is so: its programs run as printed, and its table of options is that of the code. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readLogs } from '../../scripts/read-logs.ts';
import { CONVENTIONS } from '../../src/conventions/index.ts';
import { variableOf } from '../../src/environment.ts';
import { resolveOptions } from '../../src/options.ts';
import { createApp, runApp } from '../support/installed-app.ts';
import { startTestServer } from '../support/start-test-server.ts';

const README = readFileSync('README.md', 'utf8');

function program(containing: string): string {
  const programs = [...README.matchAll(/^```js\n(.+?)^```$/gms)].map(([, text]) => text as string);
  const found = programs.filter((text) => text.includes(containing));
  expect(found).toHaveLength(1);
  return found[0] as string;
}

/** The cells of the rows whose first cell is one word of code. */
function rows(heading: string): string[][] {
  const [, section = ''] = README.split(`\n## ${heading}\n`);
  return section
    .split('\n## ', 1)
    .join('')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .map((cell) => cell.trim().replaceAll('`', ''))
        .slice(1, -1),
    );
}

test('the quickstart logs what it says', { timeout: 60_000 }, async () => {
  const server = await startTestServer();
  const app = await createApp({
    packages: ['@opentelemetry/sdk-trace-node'],
    files: { 'tracing.mjs': program('NodeTracerProvider'), 'app.mjs': program('startActiveSpan') },
  });
  const [, command = ''] = /`node (--import .+?)`/.exec(README) ?? [];
  const result = await runApp(app, command.split(' '), { env: { HUMANLOOP_BASE_URL: server.baseUrl } });
  expect(result).toMatchObject({ code: 0, stdout: '', stderr: '' });
  const [log] = await readLogs(server.baseUrl, new Date(0));
  expect(log).toMatchObject({
    config: { type: 'model', model: 'gpt-4o-mini' },
    messages: [{ role: 'user', content: 'What is the capital of Norway?' }],
    output: 'Oslo.',
  });
});

test.each([['startServer('], ['new HumanloopLogs(']])('the program with %s runs', { timeout: 60_000 }, async (part) => {
  const server = await startTestServer();
  const app = await createApp({ packages: ['@photostructure/sqlite'], files: { 'app.mjs': program(part) } });
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
  expect(rows('Options').map(([name]) => name)).toEqual(expected);
});

test('the defaults of the table are those of the code', () => {
  const resolved = resolveOptions({ spool: { directory: '.' } }, {});
  for (const [name = '', , said = ''] of rows('Options')) {
    const value: unknown = name.split('.').reduce<unknown>((within, part) => (within as never)[part], resolved);
    if (typeof value === 'number') expect([name, bytesOrNumber(said)]).toEqual([name, value]);
    else if (value !== undefined && name !== 'spool.directory') expect([name, said]).toEqual([name, String(value)]);
  }
});

test('the environment variables of the table are those of the code', () => {
  for (const [option = '', variable] of rows('Options')) {
    const isRead = ['x', '5', 'true', 'gzip', 'root', 'http://x'].some((value) => {
      const env = { HUMANLOOP_SPOOL_DIRECTORY: 'x', [variableOf(option)]: value };
      return messageOf(() => resolveOptions({}, env)) !== '' || !isEqual(resolveOptions({}, env), withDirectory());
    });
    expect([option, variable]).toEqual([option, isRead || option === 'spool.directory' ? variableOf(option) : '']);
  }
});

const withDirectory = () => resolveOptions({}, { HUMANLOOP_SPOOL_DIRECTORY: 'x' });
const isEqual = (first: unknown, second: unknown) => JSON.stringify(first) === JSON.stringify(second);

test('the table of vocabularies is complete', () => {
  const [, section = ''] = README.split('\n## What becomes a log\n');
  for (const { name } of CONVENTIONS) expect(section.split('\n## ', 1).join('')).toContain(`\`${name}\``);
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
