/** `migrate`: a file is moved to PostgreSQL as a whole, however often the move is killed, and read as before. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { isComplete } from '../../../../src/server/store/moving/compare.ts';
import { logIdOf } from '../../../../src/server/store/moving/ids.ts';
import { moveToPostgres, type Progress } from '../../../../src/server/store/moving/move.ts';
import { findFaults } from '../../../support/postgres/checks.ts';
import { findPostgres, type PostgresCluster, startPostgres, withClient } from '../../../support/postgres/cluster.ts';
import { startTestServer, temporaryDirectory } from '../../../support/start-test-server.ts';
import { config } from '../../sample-log.ts';
import { copyDatabase, writeOddFile } from './odd-file.ts';
import { type Everything, findDifferences, readAll } from './read-all.ts';

const CLI = join(import.meta.dirname, '..', '..', '..', '..', 'src', 'cli.ts');
const LOGS = 2_000;

function spawnMigrate(file: string, url: string): { child: ChildProcess; output: () => string } {
  const child = spawn(process.execPath, ['--import', 'tsx', CLI, 'migrate', '--from', file, '--to', url]);
  onTestFinished(() => void child.kill('SIGKILL'));
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += chunk));
  return { child, output: () => text };
}

/** Sums are of floating point, a file remembers ends that are gone, and of many models a row names a few. */
function comparable({ listed, filters, ...everything }: Everything): object {
  return {
    ...everything,
    listed: listed.map(({ cost, ended_at: _, duration: __, models, users, ...summary }: Record<string, never>) => ({
      ...summary,
      cost: cost === undefined ? undefined : Number(cost).toFixed(3),
      models: (models as string[] | undefined)?.length,
      users: (users as string[] | undefined)?.length,
    })),
    filters: { ...filters, projects: filters.projects.filter((name: string) => name.length < 500) },
  };
}

/** What the index of a file makes. */
async function readLists(url: string): Promise<{ texts: unknown }> {
  const read = async (path: string): Promise<ReturnType<typeof JSON.parse>> => (await fetch(url + path)).json();
  const { sessions, indexing } = await read('/viewer/api/sessions?size=200');
  const { models, types, feedback } = await read('/viewer/api/filters');
  const textsOf = ({ id, first_input: first, last_output: last }: Record<string, string>) =>
    [id, first, last].join(' ');
  return { texts: [sessions.map(textsOf).sort(), models, types, feedback, indexing] };
}

for (const binaries of findPostgres().slice(0, 1)) {
  describe(`on ${binaries.name}`, () => {
    let cluster: PostgresCluster;
    beforeAll(async () => {
      cluster = await startPostgres(binaries, ['fsync=off']);
    });
    afterAll(() => cluster?.stop());

    const countLogs = (url: string) =>
      withClient(url, async (client) => {
        const { rows } = await client.query(`SELECT to_regclass('logs') AS logs`);
        return rows[0].logs === null ? 0 : Number((await client.query('SELECT count(*) FROM logs')).rows[0].count);
      });

    test('killed again and again, it ends with the same answers to every read', async () => {
      const file = join(temporaryDirectory(), 'logs.db');
      await writeOddFile(file, LOGS, { isLoose: false });
      const url = await cluster.createSchema();
      for (const least of [1, 500, 1_200]) {
        const { child } = spawnMigrate(file, url);
        await expect.poll(() => countLogs(url), { interval: 5 }).toBeGreaterThanOrEqual(least);
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      const { child, output } = spawnMigrate(file, url);
      const [code] = await once(child, 'close');
      expect(output()).toContain('everything of the file is in the database');
      expect(code).toBe(0);
      expect(await findFaults(url)).toEqual([]);
      const [before, after] = await Promise.all([startTestServer({ file }), startTestServer({ database: url })]);
      // The file is indexed when it is opened.
      const { texts } = await readLists(after.url);
      await expect.poll(async () => (await readLists(before.url)).texts).toEqual(texts);
      // The beginning of a word of the first logs, and of one of the last.
      for (const words of ['answ', `answer ${Math.floor((LOGS - 1) / 10)}`]) {
        const [expected, found] = await Promise.all(
          [before, after].map(async ({ url: of }) => {
            const response = await fetch(`${of}/viewer/api/sessions?size=200&q=${encodeURIComponent(words)}`);
            const { sessions } = (await response.json()) as { sessions: { id: string }[] };
            return new Set(sessions.map(({ id }) => id));
          }),
        );
        expect(found!.size, words).toBeGreaterThan(0);
        expect(found, words).toEqual(expected);
      }
      const [was, is] = [await readAll(before.url), await readAll(after.url)];
      expect(was.logs.flat().length).toBeGreaterThan(LOGS - 10);
      expect(findDifferences(comparable(was), comparable(is)).slice(0, 20)).toEqual([]);
    }, 180_000);

    test('a project that is deleted meanwhile ends the move, which can be run again', async () => {
      const file = join(temporaryDirectory(), 'logs.db');
      await writeOddFile(file, LOGS, { isLoose: false });
      const url = await cluster.createSchema();
      let deletion: Promise<unknown> | undefined;
      const onProgress = ({ what }: Progress) => {
        if (what === 'sessions') deletion ??= withClient(url, (client) => client.query('DELETE FROM projects'));
      };
      const copy = (name: string) => copyDatabase(file, `${file}.${name}`);
      await expect(moveToPostgres({ file: copy('first'), url, onProgress })).rejects.toThrow(
        'a project was deleted while its logs were moved: run humanloop-otel migrate again',
      );
      await deletion;
      const { comparison } = await moveToPostgres({ file: copy('second'), url });
      expect(isComplete(comparison), JSON.stringify(comparison)).toBe(true);
    });

    test('logs in no session are moved with those above them', async () => {
      const file = join(temporaryDirectory(), 'logs.db');
      await writeOddFile(file, 300, { isLoose: true });
      const url = await cluster.createSchema();
      const { comparison } = await moveToPostgres({ file: copyDatabase(file, `${file}.moved`), url });
      expect(isComplete(comparison), JSON.stringify(comparison)).toBe(true);
      expect(comparison.file.logs).toBeGreaterThan(300);
      expect(await findFaults(url)).toEqual([]);
      const [before, after] = await Promise.all([startTestServer({ file }), startTestServer({ database: url })]);
      const [was, is] = [await readAll(before.url), await readAll(after.url)];
      expect([is.projects, is.configs, is.logs]).toEqual([was.projects, was.configs, was.logs]);
      // Each log is still opened by its id.
      for (const { id } of was.logs.flat().slice(0, 100)) {
        expect((await after.call('GET', `/viewer/api/logs/${id}`)).body.log.id).toBe(id);
        expect((await after.call('GET', `/viewer/api/names/${id}`)).body.log).toBe(id);
      }
    });

    test('what names the moved goes on: ids and references of sessions, logs and configs', async () => {
      const file = join(temporaryDirectory(), 'logs.db');
      const old = await startTestServer({ file });
      const log = { project: 'p', config, output: 'old', reference_id: 'r', session_reference_id: 's' };
      const [{ body: first }, { body: other }] = [
        await old.call('POST', '/v4/logs', log),
        await old.call('POST', '/v4/logs', { project: 'p', config, parent_reference_id: 'later' }),
      ];
      const { body: stored } = await old.call('GET', `/v4/logs/${first.id}`);
      await old.close();
      const url = await cluster.createSchema();
      await moveToPostgres({ file: copyDatabase(file, `${file}.moved`), url });
      const server = await startTestServer({ database: url });

      const again = await server.call('POST', '/v4/logs', log);
      expect(again.body).toEqual(first);
      const inSession = { project: 'p', config, session_id: first.session_id };
      const added = await server.call('POST', '/v4/logs', [
        { ...inSession, reference_id: 'new' },
        { ...inSession, session_id: undefined, session_reference_id: 's' },
      ]);
      expect(added.body.map(({ session_id }: { session_id: string }) => session_id)).toEqual([
        first.session_id,
        first.session_id,
      ]);
      // An equal config is the one that was there.
      expect((await server.call('GET', `/v4/logs/${added.body[0].id}`)).body.config_id).toBe(stored.config_id);
      expect((await server.call('GET', `/v4/projects/${first.project_id}/configs`)).body).toHaveLength(1);
      expect((await server.call('GET', `/v4/model-configs/${stored.config_id}`)).status).toBe(200);
      expect((await server.call('PATCH', `/v4/logs/${first.id}`, { output: 'late' })).body.output).toBe('late');
      expect((await server.call('GET', `/v4/sessions/${first.session_id}`)).body.datapoints_count).toBe(3);
      // A parent that comes after the move.
      const { body: parent } = await server.call('POST', '/v4/logs', { project: 'p', config, reference_id: 'later' });
      expect((await server.call('GET', `/v4/logs/${other.id}`)).body.parent_id).toBe(parent.id);
      expect((await server.call('GET', `/viewer/api/sessions/${other.id}`)).body.total).toBe(2);
      expect(await findFaults(url)).toEqual([]);
      expect((await server.call('DELETE', `/viewer/api/sessions/${first.session_id}`)).status).toBe(204);
      expect((await server.call('GET', `/v4/logs/${first.id}`)).status).toBe(404);
      expect((await server.call('GET', `/v4/sessions/${first.session_id}`)).status).toBe(404);
    });

    test('servers write to the database meanwhile: to the same sessions, and below logs that are not there yet', async () => {
      const file = join(temporaryDirectory(), 'logs.db');
      await writeOddFile(file, 1_000, { isLoose: true });
      const url = await cluster.createSchema();
      const server = await startTestServer({ database: url });
      const trace = (index: number) => (index % 40).toString(16).padStart(32, '0');
      let isOver = false;
      let written = 0;
      const write = async () => {
        for (let index = 1; !isOver; index += 1, written += 2) {
          const span = (index % 1_000).toString(16).padStart(16, '0');
          const response = await server.call('POST', '/v4/logs', [
            {
              project: 'shop',
              config,
              reference_id: `own ${index}`,
              parent_reference_id: `${trace(index)}-${span}`,
              prompt_tokens: 3,
            },
            { project: 'desk', config, session_reference_id: trace(index), output: `live ${index}` },
          ]);
          expect(response.status).toBe(200);
        }
      };
      // One that the file has, too.
      await server.call('POST', '/v4/logs', {
        project: 'shop',
        config,
        reference_id: `${trace(3)}-${'3'.padStart(16, '0')}`,
      });
      const writing = write();
      const { comparison, renamedProjects } = await moveToPostgres({ file, url });
      isOver = true;
      await writing;
      expect(isComplete(comparison), JSON.stringify(comparison)).toBe(true);
      expect(comparison.elsewhere.logs).toBe(1);
      expect(renamedProjects).toContain('shop');
      expect(await findFaults(url)).toEqual([]);
      expect(await countLogs(url)).toBe(comparison.database.logs + 1 + written);
      const again = await moveToPostgres({ file: copyDatabase(file, `${file}.again`), url });
      expect(again.comparison).toEqual(comparison);
      expect(await findFaults(url)).toEqual([]);
    });

    test('the database goes away for a moment: it waits, and nothing is lost or twice', async () => {
      const own = await startPostgres(binaries);
      onTestFinished(() => own.stop());
      const file = join(temporaryDirectory(), 'logs.db');
      await writeOddFile(file, 1_200, { isLoose: false });
      const moving = moveToPostgres({ file, url: own.url });
      await expect.poll(() => countLogs(own.url).catch(() => 0), { interval: 5 }).toBeGreaterThan(300);
      await own.kill();
      await own.start();
      const { comparison } = await moving;
      expect(isComplete(comparison), JSON.stringify(comparison)).toBe(true);
      expect(await findFaults(own.url)).toEqual([]);
    });

    test('late spans of a trace find its logs, or it is said that they will not', async () => {
      const file = join(temporaryDirectory(), 'logs.db');
      const attribute = (key: string, stringValue: string) => ({ key, value: { stringValue } });
      const span = (spanId: string, parentSpanId?: string) => ({
        resourceSpans: [
          {
            scopeSpans: [
              {
                spans: [
                  {
                    ...{
                      traceId: 'a'.repeat(32),
                      spanId,
                      parentSpanId,
                      name: 'chat',
                      kind: 3,
                      startTimeUnixNano: '1',
                      endTimeUnixNano: '2',
                    },
                    attributes: [attribute('gen_ai.operation.name', 'chat'), attribute('gen_ai.request.model', 'm')],
                  },
                ],
              },
            ],
          },
        ],
      });
      const old = await startTestServer({ file: `${file}.written` });
      // The span between the two is missing.
      await old.call('POST', '/v1/traces', span('1'.repeat(16)));
      await old.call('POST', '/v1/traces', span('3'.repeat(16), '2'.repeat(16)));
      await old.close();
      copyDatabase(`${file}.written`, file);
      const url = await cluster.createSchema();
      const { comparison } = await moveToPostgres({ file, url });
      expect(isComplete(comparison)).toBe(true);
      const server = await startTestServer({ database: url });
      const { status } = await server.call('POST', '/v1/traces', span('2'.repeat(16), '1'.repeat(16)));
      expect(status).toBe(200);
      const { body } = await server.call('GET', `/viewer/api/names/${'a'.repeat(32)}`);
      const { body: shown } = await server.call('GET', `/viewer/api/sessions/${body.session}`);
      expect(shown.logs.filter(({ parent }: { parent?: number }) => parent !== undefined)).toHaveLength(2);
    });

    test('refuses what it must not touch, and says why', async () => {
      const file = join(temporaryDirectory(), 'logs.db');
      const server = await startTestServer({ file });
      await server.call('POST', '/v4/logs', { project: 'p', config });
      const url = await cluster.createSchema();
      await expect(moveToPostgres({ file, url })).rejects.toThrow(`${file} is in use: stop the server first`);
      await server.close();

      const copy = () => copyDatabase(file, join(temporaryDirectory(), 'logs.db'));
      const foreign = await cluster.createSchema();
      await withClient(foreign, (client) =>
        client.query('CREATE TABLE projects (id int); CREATE TABLE meta (name text, value text)'),
      );
      await expect(moveToPostgres({ file: copy(), url: foreign })).rejects.toThrow(
        'has tables of another program (meta, projects)',
      );
      await moveToPostgres({ file: copy(), url });
      for (const [name, value] of [
        ['schema', '99'],
        ['major', '99'],
      ]) {
        await withClient(url, (client) => client.query('UPDATE meta SET value = $2 WHERE name = $1', [name, value]));
        await expect(moveToPostgres({ file: copy(), url })).rejects.toThrow(
          'made by a newer version of humanloop-otel',
        );
      }
    });
  });
}

test.each([
  ['without an address', [], 2, 'migrate needs --to or HUMANLOOP_DATABASE_URL'],
  [
    'with a wrong address',
    ['--to', 'mysql://u:secret@h/d'],
    2,
    'expected an address of one host such as postgres://user@host/database',
  ],
  [
    'with several hosts',
    ['--to', 'postgres://u:secret@a,b/d'],
    2,
    'expected an address of one host such as postgres://user@host/database',
  ],
  [
    'with several hosts elsewhere',
    ['--to', 'postgres:///d?host=a,b&password=secret'],
    2,
    'expected an address of one host such as postgres://user@host/database',
  ],
  ['without a file', ['--to', 'postgres://127.0.0.1:1/x', '--from', 'nowhere.db'], 1, 'nowhere.db'],
  ['with an operand', ['logs.db'], 2, 'unknown command: migrate logs.db'],
])('migrate %s', async (_, words, code, message) => {
  const child = spawn(process.execPath, ['--import', 'tsx', CLI, 'migrate', ...words], {
    env: { ...process.env, HUMANLOOP_DATABASE_URL: '' },
  });
  let stderr = '';
  child.stderr.on('data', (chunk) => (stderr += chunk));
  expect(await once(child, 'close')).toEqual([code, null]);
  expect(stderr).toContain(message);
  expect(stderr).not.toContain('secret');
  expect(existsSync('nowhere.db')).toBe(false);
});

test('a log of an early version, whose id has no time, gets one, and each time the same', () => {
  const at = '2026-11-26T10:00:00.000000Z';
  expect(logIdOf('data_Vc6AN3DYRMW1XKOdyfzzS', '2026-11-26T16:44:41.256000Z')).toBe('data_Vc6AN3DYRMW1XKOdyfzzS');
  for (const id of ['data_zzzzzzzzzzzzzzzzzzzzz', 'data_0000000zzzzzzzzzzzzzz', 'data_short', 'x']) {
    const made = logIdOf(id, at);
    expect(made).toMatch(/^data_[0-9A-Za-z]{21}$/);
    expect([logIdOf(id, at), logIdOf(made, at)]).toEqual([made, made]);
  }
});
