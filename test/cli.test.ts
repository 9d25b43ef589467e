import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openSqliteStore } from '../src/server/store/sqlite/store.ts';
import { startTestServer, temporaryDirectory } from './support/start-test-server.ts';

const CLI = join(import.meta.dirname, '..', 'src', 'cli.ts');

type Child = ChildProcessByStdio<null, Readable, Readable>;

function start(commandLine: string[], environment: Record<string, string> = {}): Child {
  const child = spawn(process.execPath, ['--import', 'tsx', CLI, ...commandLine], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, HUMANLOOP_API_KEY: '', HUMANLOOP_PUBLIC_URL: '', ...environment },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function run(...commandLine: string[]): Promise<{ code: number; out: string; err: string }> {
  const child = start(commandLine);
  const [out, err, [code]] = await Promise.all([textOf(child.stdout), textOf(child.stderr), once(child, 'close')]);
  return { code, out, err };
}

async function textOf(stream: Readable): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += chunk;
  return text;
}

/** Reads the base URL from the line that has it. */
async function baseUrlOf(child: Child): Promise<string> {
  const [chunk] = await once(child.stdout, 'data');
  return /http:\S+/.exec(String(chunk))![0];
}

const post = (url: string, headers: Record<string, string> = {}) =>
  fetch(`${url}/logs`, { method: 'POST', headers, body: '{"project":"p","config":{"model":"m"},"output":"kept"}' });

describe('humanloop-otel serve', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('serves until %s, then closes in order', async (signal) => {
    const file = join(temporaryDirectory(), 'logs.db');
    const child = start(['serve', '--port', '0', '--db', file]);
    const url = await baseUrlOf(child);
    const { id } = (await (await post(url)).json()) as { id: string };
    child.kill(signal);
    expect(await once(child, 'close')).toEqual([0, null]);
    const store = await openSqliteStore({ file });
    expect((await store.getLog(id))?.output).toBe('kept');
    await store.close();
  });

  test('what was answered outlives a kill', async () => {
    const file = join(temporaryDirectory(), 'logs.db');
    const child = start(['serve', '--port', '0', '--db', file]);
    const { id } = (await (await post(await baseUrlOf(child))).json()) as { id: string };
    child.kill('SIGKILL');
    await once(child, 'close');
    const store = await openSqliteStore({ file });
    expect((await store.getLog(id))?.output).toBe('kept');
    await store.close();
  });

  test('takes the API key from the environment', async () => {
    const file = join(temporaryDirectory(), 'logs.db');
    const url = await baseUrlOf(start(['serve', '--port', '0', '--db', file], { HUMANLOOP_API_KEY: 'secret' }));
    expect((await post(url)).status).toBe(401);
    expect((await post(url, { 'x-api-key': 'secret' })).status).toBe(200);
  });

  test.each([
    ['an option', ['--public-url', 'https://logs.example.com/base/'], {}],
    ['the environment', [], { HUMANLOOP_PUBLIC_URL: 'https://logs.example.com/base' }],
    [
      'an option, which wins',
      ['--public-url=https://logs.example.com/base'],
      { HUMANLOOP_PUBLIC_URL: 'https://a.example' },
    ],
  ])(
    'takes the public address from %s, prints its links, and says that everyone may read',
    async (_, options, environment) => {
      const file = join(temporaryDirectory(), 'logs.db');
      const child = start(['serve', '--port', '0', '--db', file, ...options], environment);
      const [out, err] = await Promise.all([once(child.stdout, 'data'), once(child.stderr, 'data')]);
      const [, url] = /^humanloop-otel serves (http:\S+?)\/v4, /.exec(String(out[0]))!;
      expect(String(out[0])).toBe(
        `humanloop-otel serves ${url}/v4, and https://logs.example.com/base/v4 behind your proxy\n` +
          'Its viewer is at https://logs.example.com/base\n',
      );
      expect(String(err[0])).toBe(
        'humanloop-otel: no API key is set: everyone who can reach https://logs.example.com/base can read and change all logs\n',
      );
      expect((await fetch(`${url}/base/healthz`)).status).toBe(200);
    },
  );

  test('with a key, a public address needs no warning', async () => {
    const file = join(temporaryDirectory(), 'logs.db');
    const environment = { HUMANLOOP_API_KEY: 'secret', HUMANLOOP_PUBLIC_URL: 'https://logs.example.com' };
    const child = start(['serve', '--port', '0', '--db', file], environment);
    await once(child.stdout, 'data');
    child.kill('SIGTERM');
    expect(await textOf(child.stderr)).toBe('');
  });

  test('a port in use is one clear line', async () => {
    const { port } = await startTestServer();
    const { code, out, err } = await run('serve', '--port', String(port), '--db', join(temporaryDirectory(), 'a.db'));
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toBe(
      `humanloop-otel: port ${port} is in use: stop what listens there, or choose another with --port\n`,
    );
  });

  test.each([
    ['--otlp-port', ['--otlp-port', '0'], {}],
    ['HUMANLOOP_OTLP_PORT', [], { HUMANLOOP_OTLP_PORT: '0' }],
  ])('%s opens a second port for OTLP, and says where', async (_, options, environment) => {
    const file = join(temporaryDirectory(), 'logs.db');
    const child = start(['serve', '--port', '0', '--db', file, ...options], environment);
    let said = '';
    while (!/OTLP is also taken at http:\S+\n/.test(said)) said += String((await once(child.stdout, 'data'))[0]);
    const url = /OTLP is also taken at (\S+)/.exec(said)![1];
    const headers = { 'content-type': 'application/json' };
    expect((await fetch(`${url}/v1/traces`, { method: 'POST', headers, body: '{}' })).status).toBe(200);
  });

  test('a port for OTLP that is in use is one clear line, too', async () => {
    const { port } = await startTestServer();
    const file = join(temporaryDirectory(), 'a.db');
    const { code, err } = await run('serve', '--port', '0', '--otlp-port', String(port), '--db', file);
    expect(code).toBe(1);
    expect(err).toBe(
      `humanloop-otel: port ${port} is in use: stop what listens there, or choose another with --otlp-port\n`,
    );
  });

  test.each([
    ['--no-content', ['--no-content'], {}],
    ['HUMANLOOP_CAPTURE_CONTENT=false', [], { HUMANLOOP_CAPTURE_CONTENT: 'false' }],
  ])('%s stores no content of what comes by OTLP', async (_, options, environment) => {
    const file = join(temporaryDirectory(), 'logs.db');
    const child = start(['serve', '--port', '0', '--db', file, ...options], environment);
    const url = (await baseUrlOf(child)).replace('/v4', '');
    const headers = { 'content-type': 'application/json' };
    expect((await fetch(`${url}/v1/traces`, { method: 'POST', headers, body: CHAT })).status).toBe(200);
    child.kill();
    await once(child, 'close');
    expect(readFileSync(file).includes('a secret')).toBe(false);
  });

  test('an unusable database is one clear line', async () => {
    const database = await run('serve', '--port', '0', '--db', '/dev/null/logs.db');
    expect(database).toMatchObject({ code: 1, err: expect.stringMatching(/^humanloop-otel: .*cannot be opened.*\n$/) });
  });
});

/** A trace with one call, whose input is a secret. */
const CHAT = JSON.stringify({
  resourceSpans: [
    {
      scopeSpans: [
        {
          spans: [
            {
              traceId: '0123456789abcdef0123456789abcdef',
              spanId: '0123456789abcdef',
              name: 'chat',
              attributes: [
                { key: 'gen_ai.operation.name', value: { stringValue: 'chat' } },
                { key: 'gen_ai.prompt.0.role', value: { stringValue: 'user' } },
                { key: 'gen_ai.prompt.0.content', value: { stringValue: 'a secret' } },
              ],
            },
          ],
        },
      ],
    },
  ],
});

describe('humanloop-otel import', () => {
  const fileWith = (content: string) => {
    const file = join(temporaryDirectory(), 'traces.jsonl');
    writeFileSync(file, content);
    return file;
  };

  test('sends a file to a running server, whose address may be that of its v4 API', async () => {
    const server = await startTestServer();
    const file = fileWith(CHAT);
    for (const address of [server.url, server.baseUrl, `${server.baseUrl}/`]) {
      const result = await run('import', '--server', address, file);
      expect(result).toEqual({ code: 0, out: '', err: 'read 1 spans, 0 log records\n' });
    }
    const { body } = await server.call('GET', '/v4/projects');
    expect(body.records).toMatchObject([{ name: 'default', data_count: 1 }]);
  });

  test('what cannot be imported is exit code 1, and says where', async () => {
    const { url } = await startTestServer();
    const { code, err } = await run('import', '--server', url, fileWith(`${CHAT}\nnothing\n`));
    expect(code).toBe(1);
    expect(err).toMatch(/traces\.jsonl:2: expected an object, got "n"\nread 1 spans, 0 log records, 1 faults\n$/);
  });

  test.each([
    [['import'], 'no file given'],
    [['import', '--server', 'x', '--db', 'y', 'f'], 'import takes --server or --db, not both'],
    [
      ['import', '--server', 'localhost:4340', 'f'],
      'option --server: expected an http(s) address, got "localhost:4340": http:// is missing',
    ],
    [['import', '--no-content', 'f'], 'import --no-content needs --db'],
    [['import', '--port', '1', 'f'], 'import has no option --port'],
    [['serve', '--server', 'x'], 'serve has no option --server'],
    [['serve', '--otlp-port', 'x'], 'option --otlp-port: expected a whole number from 0 to 65535'],
  ])('%j: the reason and the usage, exit code 2', async (commandLine, message) => {
    const { code, out, err } = await run(...commandLine);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(message);
    expect(err).toContain('\n\nUsage: humanloop-otel serve');
  });
});

test('--help and --version', async () => {
  const help = await run('--help');
  expect(help).toMatchObject({ code: 0, err: '', out: expect.stringContaining('Usage: humanloop-otel serve') });
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8'));
  expect(await run('--version')).toEqual({ code: 0, err: '', out: `${version}\n` });
});

test.each([[], ['bake'], ['serve', 'more'], ['serve', '--prot', '1'], ['serve', '--port', 'x'], ['serve', '--port']])(
  'wrong use %#: the reason and the usage, exit code 2',
  async (...commandLine) => {
    const { code, out, err } = await run(...commandLine);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/^humanloop-otel: .+\n\nUsage: humanloop-otel serve/);
  },
);

test.each([
  [['--port', '70000'], 'option --port: expected a whole number from 0 to 65535, got "70000"\n\nUsage: '],
  [['--host', '0.0.0.0'], 'option --host: expected 127.0.0.1, ::1 or localhost, or an API key, since '],
  [['--port', '5555', '--otlp-port', '5555'], 'option --otlp-port (or HUMANLOOP_OTLP_PORT): expected another port'],
  [['--api-key', ''], 'option --api-key (or HUMANLOOP_API_KEY): expected a non-empty string, got ""\n'],
  [['--public-url', 'logs.example.com'], 'option --public-url (or HUMANLOOP_PUBLIC_URL): expected an address such as '],
  [['--public-url', ''], 'option --public-url (or HUMANLOOP_PUBLIC_URL): expected an address such as '],
  [['--db', ''], 'option --db: expected a non-empty string, got ""\n'],
  [['--search', 'off'], 'option --search (or HUMANLOOP_SEARCH): expected index without a database, got "off"'],
  [['--keep', '0s'], 'option --keep (or HUMANLOOP_KEEP), in milliseconds: expected a whole number from 1000 to '],
  [['--max-size', '1kB'], 'option --max-size (or HUMANLOOP_MAX_SIZE), in bytes: expected a whole number from 1000000 '],
])('serve %j says which option is wrong, what was expected and what came', async (options, message) => {
  const result = await run('serve', ...options);
  expect(result).toMatchObject({ code: 2, out: '', err: expect.stringContaining(`humanloop-otel: ${message}`) });
});
