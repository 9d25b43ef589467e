import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RejectedItemError } from '../../../src/server/store/rejected-item.ts';
import { sourceOf } from '../../../src/server/store/rows/json-source.ts';
import { toLogJson } from '../../../src/server/store/rows/log-json.ts';
import { JSON_COLUMNS } from '../../../src/server/store/rows/log-row.ts';
import type { Store } from '../../../src/server/store/store.ts';
import type { LogRequest, LogResponse } from '../../../src/wire/v4.ts';
import { config, createOne, log } from '../sample-log.ts';
import { jsonText, spaced } from './json-text.ts';
import { parseStored } from './parse-stored.ts';

export function describeLogs(name: string, open: () => Promise<Store>): void {
  describe(`${name}: createLogs`, () => {
    test('keeps every field that it is given', async () => {
      const store = await open();
      const fields: Partial<LogRequest> = {
        ...{ reference_id: 'r', session_reference_id: 's', parent_reference_id: 'elsewhere', source: 'app' },
        ...{ inputs: { q: 'é "quoted"\n' }, metadata: { nested: { a: [1, null] } }, environment: 'production' },
        ...{ messages: [{ role: 'user', content: 'hi' }], output: 'out\0put', error: 'e', stdout: 'o', judgment: true },
        ...{ output_message: { role: 'assistant', content: null }, prompt_tokens: 3, output_tokens: 4 },
        ...{ prompt_cost: 0.1, output_cost: 0.2, duration: 1.25, created_at: '2024-05-06T07:08:09.123456+02:00' },
        ...{ provider_request: { a: 1 }, provider_response: 'raw', source_datapoint_id: 'd', trial_id: 't' },
      };
      const { id } = await createOne(store, fields);
      expect(await store.getLog(id)).toMatchObject({
        ...fields,
        id,
        output: 'out\uFFFDput',
        created_at: '2024-05-06T05:08:09.123456Z',
        project: 'project',
        tokens: 7,
        save: true,
        feedback: [],
        evaluation_results: [],
        observability_status: 'completed',
        config: { ...config, id: expect.stringMatching(/^config_/) },
        model_config: { project_name: 'project', config },
      });
    });

    test('answers with the value of JSON that is stored as it came', async () => {
      const written = [
        ...['{"b":1.0,"a":2,"a":{"c":[]},"2":"\\"}","1":"é\u2028"}', '{"a":"\\u0000","b":"\\ud83d","c":"\\\\u0000"}'],
        ...[
          '{"__proto__":{"a":1},"toJSON":1}',
          '{"a":[1E400,-0,1e-400,9007199254740993]}',
          '[ ]',
          '{"a":"\x7f😀\\\\"}',
        ],
        ...[`${'['.repeat(1_980)}"]"${']'.repeat(1_980)}`, ...fc.sample(spaced(jsonText), 300)],
      ];
      const requests = written.map((json) => {
        const body = `{"project":"p","trial_id":"t","inputs":${json},"metadata":{"of":${json}}}`;
        return parseStored(body, JSON_COLUMNS);
      });
      expect(requests.filter(({ metadata }) => sourceOf(metadata)).length).toBeGreaterThan(100);
      const store = await open();
      const created = await store.createLogs(requests);
      const asIs = ({ inputs, metadata }: LogRequest | LogResponse) => JSON.stringify([inputs ?? {}, metadata]);
      for (const [index, { id }] of created.entries()) {
        const stored = (await store.getLog(id))!;
        const expected = asIs(JSON.parse(JSON.stringify(requests[index])));
        expect(asIs(JSON.parse(toLogJson(stored))), written[index]).toBe(expected);
        expect(asIs(stored), written[index]).toBe(expected);
        const updated = (await store.updateLog({ id }, { duration: 1 }))!;
        expect(asIs(JSON.parse(toLogJson(updated))), written[index]).toBe(expected);
      }
    });

    test('takes all or nothing, and says which item and field', async () => {
      const store = await open();
      const unknown = [
        { project_id: 'pr_x' },
        { session_id: 'sesh_x' },
        { parent_id: 'data_x' },
        { config_id: 'config_x' },
      ];
      for (const bad of unknown) {
        const rejection = store.createLogs([log({ reference_id: 'good' }), log(bad)]);
        await expect(rejection).rejects.toBeInstanceOf(RejectedItemError);
        await expect(rejection).rejects.toMatchObject({ index: 1, field: Object.keys(bad)[0] });
      }
      expect((await store.listProjects({ page: 0, size: 10, sortBy: 'name', descending: false })).total).toBe(0);
      expect(await store.updateLog({ referenceId: 'good' }, { output: 'x' })).toBeUndefined();
    });

    test('puts equal configs of a project under one id, whatever the order of their keys', async () => {
      const store = await open();
      const configs: LogRequest['config'][] = [
        { type: 'model', model: 'gpt-4', other: { a: 1, b: 2 } },
        { model: 'gpt-4', other: { b: 2, a: 1 }, type: 'model' },
        { type: 'model', model: 'gpt-4', other: { a: 1, b: 3 } },
      ];
      const created = await store.createLogs(configs.map((each) => log({ config: each })));
      const elsewhere = await createOne(store, { project: 'other', config: configs[0] });
      const ids = await Promise.all([...created, elsewhere].map(async ({ id }) => (await store.getLog(id))!.config_id));
      expect(ids[1]).toBe(ids[0]);
      expect(new Set(ids).size).toBe(3);
      const byId = await createOne(store, { config: undefined, config_id: ids[0] });
      expect((await store.getLog(byId.id))!.config).toMatchObject(configs[0]!);
    });

    test('keeps no content of a log with save: false, not even later', async () => {
      const store = await open();
      const secret = {
        inputs: { q: 'secret' },
        output: 'secret',
        messages: [{ role: 'user' as const, content: 'secret' }],
      };
      const { id } = await createOne(store, { ...secret, reference_id: 'r', save: false, duration: 1 });
      await createOne(store, { ...secret, reference_id: 'r' });
      await store.updateLog({ id }, { output: 'secret', duration: 2 });
      const stored = await store.getLog(id);
      expect(JSON.stringify(stored)).not.toContain('secret');
      expect(stored).toMatchObject({ save: false, duration: 2 });
    });

    test('rejects what is nested too deeply to be written', async () => {
      const store = await open();
      const nested = JSON.parse(`${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}`);
      // From 26 on, Node writes JSON of any depth: something else fails there as this does elsewhere.
      const deep = canBeWritten(nested) ? { toJSON: () => fail(new RangeError()) } : nested;
      await expect(store.createLogs([log(), log({ inputs: deep })])).rejects.toMatchObject({ index: 1 });
    });
  });

  describe(`${name}: updateLog`, () => {
    test('is answered with all of the log, as it is read afterwards', async () => {
      const store = await open();
      const [, child] = await store.createLogs([
        log({ reference_id: 'above', session_reference_id: 'all' }),
        log({
          reference_id: 'below',
          parent_reference_id: 'above',
          session_reference_id: 'all',
          config,
          output: 'old',
        }),
        log({ reference_id: 'alone' }),
      ]);
      await store.addFeedback([{ data_id: child!.id, type: 'rating', value: 'good', user: 'ada' }]);
      for (const referenceId of ['below', 'alone']) {
        const answer = await store.updateLog({ referenceId }, { output: 'new', duration: 3 });
        expect(answer).toMatchObject({ output: 'new', duration: 3 });
        expect(answer).toEqual(await store.getLog(answer!.id));
      }
      expect(await store.getLog(child!.id)).toMatchObject({
        ...{ session_reference_id: 'all', parent_reference_id: 'above', feedback: [{ value: 'good' }] },
      });
    });

    test('is answered with what is stored, whatever is given and was there, alone and beside others', async () => {
      const store = await open();
      const odd = 'NUL \0, half of a pair \ud83d';
      const updates = [
        {},
        { output: 'new' },
        { error: 'new' },
        { duration: 0 },
        { output: odd, error: odd },
        { output: '', error: '', duration: 1.5 },
      ];
      const had = [{}, { output: 'old', duration: 2 }, { error: 'old', save: false }, { output: 'old', save: false }];
      const cases = had.flatMap((fields) => updates.map((update) => ({ fields, update })));
      const logs = await store.createLogs(cases.map(({ fields }) => log({ ...fields, metadata: { of: 'the log' } })));
      const answers = await Promise.all(cases.map(({ update }, index) => store.updateLog(logs[index]!, update)));
      expect(answers).toEqual(await Promise.all(logs.map(({ id }) => store.getLog(id))));
      for (const [index, { update }] of cases.entries()) {
        const { id } = logs[index]!;
        const answer = await store.updateLog({ id }, update);
        expect(answer).toEqual(await store.getLog(id));
        expect({ ...answer, updated_at: '' }).toEqual({ ...answers[index], updated_at: '' });
      }
    });

    test('changes what is given, by id and by reference', async () => {
      const store = await open();
      const { id } = await createOne(store, { reference_id: 'r', output: 'old', error: 'old' });
      expect(await store.updateLog({ id }, { output: 'new', error: null })).toMatchObject({
        output: 'new',
        error: 'old',
      });
      expect(await store.updateLog({ referenceId: 'r' }, { error: '', duration: 0 })).toMatchObject({
        id,
        error: '',
        duration: 0,
      });
      expect(await store.updateLog({ id: 'r' }, { output: 'x' })).toBeUndefined();
    });
  });
}

function canBeWritten(value: unknown): boolean {
  try {
    return JSON.stringify(value) !== undefined;
  } catch {
    return false;
  }
}

function fail(error: Error): never {
  throw error;
}
