/** Whatever logs are updated with, by whatever name, and many at once: both stores answer alike. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openPostgresStore } from '../../../../src/server/store/postgres/store.ts';
import { writeLogJson } from '../../../../src/server/store/rows/log-json.ts';
import { openSqliteStore } from '../../../../src/server/store/sqlite/store.ts';
import type { LogSelector, Store } from '../../../../src/server/store/store.ts';
import type { CreatedLog, LogRequest, LogUpdate } from '../../../../src/wire/v4.ts';
import { findPostgres, type PostgresCluster, startPostgres } from '../../../support/postgres/cluster.ts';
import { log } from '../../sample-log.ts';

const RUNS = 30;
const MAX_MILLIS = 13_000;
const ID = /\b(data|sesh|config|pr|ann)_[0-9A-Za-z]{21}\b/g;

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom('', '\0', 'a\0b', '\ud800', 'x\udfff', '"', '\\', '🙂'.repeat(200), '{"a":1}', 'x '.repeat(2_000)),
);
const maybe = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined });
const given = { output: maybe(text), error: maybe(text), duration: maybe(fc.constantFrom(0, 0.25, 1e11, -1)) };
const creation = fc.record({
  ...given,
  save: maybe(fc.boolean()),
  parent_reference_id: maybe(fc.constantFrom('r0', 'r1', 'nobody')),
  session_reference_id: maybe(fc.constantFrom('s0', 's1')),
  metadata: maybe(fc.record({ said: text })),
  output_message: maybe(fc.record({ role: fc.constant('assistant' as const), content: text })),
  feedback: maybe(fc.record({ type: fc.constant('rating'), value: text, created_at: fc.constant('2024-01-01') })),
});
const update = fc.record(given);
/** The places of logs, each once: which of two updates of one log is later is not said. */
const rounds = fc.array(fc.uniqueArray(fc.tuple(fc.nat(9), update, fc.boolean()), { selector: ([place]) => place }), {
  maxLength: 4,
});

describe.each(findPostgres())('$name', (binaries) => {
  let cluster: PostgresCluster;
  beforeAll(async () => {
    cluster = await startPostgres(binaries, ['fsync=off']);
  });
  afterAll(() => cluster?.stop(), 60_000);

  test('answers updates as SQLite does', async () => {
    const stores = [
      await openSqliteStore({ file: ':memory:' }),
      await openPostgresStore({ url: await cluster.createSchema() }),
    ];
    onTestFinished(async () => {
      for (const store of stores) await store.close();
    });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(creation, { minLength: 1, maxLength: 8 }), rounds, async (logs, all) => {
        run += 1;
        const [sqlite, postgres] = await Promise.all(stores.map((store) => answer(store, `run ${run}`, logs, all)));
        expect(postgres).toEqual(sqlite);
      }),
      { numRuns: RUNS, interruptAfterTimeLimit: MAX_MILLIS },
    );
  });
});

type Round = readonly (readonly [place: number, update: LogUpdate, byId: boolean])[];

/** Names are of the run, so that no other has its logs. Resolves to the JSON of each answer. */
async function answer(store: Store, run: string, logs: readonly object[], rounds: readonly Round[]) {
  const names = new Map<string, string>();
  const toPlain = (json: string) =>
    json
      .replaceAll(ID, (id, kind) => names.get(id) ?? kind)
      .replaceAll(/"(created_at|updated_at|last_used)":"20[^"]*"/g, '"$1":"some time"');
  const created: CreatedLog[] = [];
  for (const [place, fields] of logs.entries()) {
    const request = JSON.parse(JSON.stringify({ ...fields, reference_id: `r${place}` }), (key, value) =>
      key.endsWith('reference_id') ? `${run} ${value}` : value,
    ) as Partial<LogRequest>;
    const [each] = await store.createLogs([log({ project: run, ...request })]);
    created.push(each!);
    for (const [name, id] of Object.entries(each!)) if (id) names.set(id, `${name} of ${place}`);
  }
  const answers: unknown[] = [];
  for (const round of rounds) {
    const done = round.map(async ([place, update, byId]) => {
      const selector: LogSelector =
        byId && created[place] ? { id: created[place].id } : { referenceId: `${run} r${place}` };
      const updated = await store.updateLog(selector, JSON.parse(JSON.stringify(update)));
      return updated && JSON.parse(toPlain(await writeLogJson(updated)));
    });
    answers.push(await Promise.all(done));
  }
  for (const { id } of created) answers.push(JSON.parse(toPlain(await writeLogJson((await store.getLog(id))!))));
  return answers;
}
