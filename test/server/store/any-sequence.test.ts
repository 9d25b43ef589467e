/** Whatever is posted, changed and deleted in whatever order: parents, sums and searches are those of a naive model. */
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openSqliteStore } from '../../../src/server/store/sqlite/store.ts';
import type { Store } from '../../../src/server/store/store.ts';
import { temporaryDirectory } from '../../support/start-test-server.ts';
import { log } from '../sample-log.ts';

/** Long enough to be remembered as messages of a session; they have words in common. */
const SENTENCES = [
  'the harbour is closed during winter',
  'winter tickets are sold at the station',
  'a ferry crosses the fjord each morning',
  'the station opens early in the morning',
];
const OUTPUTS = ['the ferry is late', 'tickets sold out', 'no idea'];
const SEARCHES = [
  ...['winter', 'morning', 'ferry', 'late', 'out', 'nothing', 'harb', '"sold out"', '"the morning"', '"station opens"'],
  ...['winter morning', 'ferry station late', 'harbour tick', 'idea winter', 'closed "each morning"'],
];

const index = fc.nat(5);
const maybe = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined });
const creation = fc.record({
  kind: fc.constant('create' as const),
  reference: index,
  session: maybe(fc.nat(1)),
  parent: maybe(index),
  messages: maybe(fc.subarray(SENTENCES)),
  output: maybe(fc.constantFrom(...OUTPUTS)),
  error: maybe(fc.constant('broken')),
  tokens: maybe(fc.nat(9)),
});
const step = fc.oneof(
  {
    arbitrary: fc
      .array(creation, { minLength: 1, maxLength: 4 })
      .map((creations) => ({ kind: 'post' as const, creations })),
    weight: 5,
  },
  {
    arbitrary: fc.record({
      kind: fc.constant('update' as const),
      reference: index,
      output: maybe(fc.constantFrom(...OUTPUTS)),
      duration: maybe(fc.nat(3)),
    }),
    weight: 2,
  },
  {
    arbitrary: fc.record({
      kind: fc.constant('delete' as const),
      references: fc.uniqueArray(index, { minLength: 1, maxLength: 3 }),
    }),
    weight: 2,
  },
  { arbitrary: fc.constant({ kind: 'catch up' as const }), weight: 3 },
);

type Creation = typeof creation extends fc.Arbitrary<infer Value> ? Value : never;

interface Log extends Omit<Creation, 'kind'> {
  readonly id: string;
  duration?: number | undefined;
  /** Of the parent, as soon as both are there. */
  linked?: number | undefined;
}

class Model {
  readonly logs = new Map<number, Log>();

  create({ kind: _, ...fields }: Creation, id: string): void {
    const known = this.logs.get(fields.reference);
    if (known) {
      expect(id).toBe(known.id);
      const named = known.parent;
      for (const [name, value] of Object.entries(fields)) (known as unknown as Record<string, unknown>)[name] ??= value;
      if (named === undefined && known.parent !== undefined) this.#link(known, known.parent);
      return;
    }
    const created: Log = { ...fields, id };
    this.logs.set(fields.reference, created);
    if (fields.parent !== undefined) this.#link(created, fields.parent);
  }

  /** After all logs of a request. */
  linkChildrenOf(references: readonly number[]): void {
    for (const reference of references) {
      for (const child of this.logs.values()) {
        if (child.parent === reference && child.linked === undefined) this.#link(child, reference);
      }
    }
  }

  delete(reference: number): void {
    this.logs.delete(reference);
    for (const each of this.logs.values()) if (each.linked === reference) each.linked = undefined;
  }

  #link(child: Log, parent: number): void {
    for (let at: number | undefined = parent; at !== undefined; at = this.logs.get(at)?.linked) {
      if (at === child.reference) return;
    }
    if (this.logs.has(parent)) child.linked = parent;
  }

  /** By session, or by the reference of a log in none and below no other one. */
  groups(): Map<string, Log[]> {
    const groups = new Map<string, Log[]>();
    for (const each of this.logs.values()) {
      if (each.session === undefined && each.linked !== undefined) continue;
      const name = each.session === undefined ? each.id : `s${each.session}`;
      groups.set(name, [...(groups.get(name) ?? []), each]);
    }
    return groups;
  }

  search(text: string): Set<string> {
    const terms = [...text.matchAll(/"([^"]+)"|\S+/g)].map(([term, phrase]) => phrase ?? term);
    const whole = this.#searchFor(terms.map((term) => new RegExp(`\\b${term}\\b`)));
    if (whole.size > 0) return whole;
    return this.#searchFor(terms.map((term, at) => new RegExp(`\\b${term}${at === terms.length - 1 ? '' : '\\b'}`)));
  }

  #searchFor(patterns: readonly RegExp[]): Set<string> {
    const texts = new Map<string, string[]>();
    const found = new Set<string>();
    for (const each of this.logs.values()) {
      const own = [...(each.messages ?? []), each.output ?? '', each.error ?? ''];
      if (each.session !== undefined) {
        texts.set(`s${each.session}`, [...(texts.get(`s${each.session}`) ?? []), ...own]);
      } else if (patterns.every((pattern) => own.some((one) => pattern.test(one)))) found.add(this.#topOf(each));
    }
    for (const [session, all] of texts) {
      if (patterns.every((pattern) => all.some((one) => pattern.test(one)))) found.add(session);
    }
    return found;
  }

  #topOf(each: Log): string {
    if (each.session !== undefined) return `s${each.session}`;
    return each.linked === undefined ? each.id : this.#topOf(this.logs.get(each.linked)!);
  }
}

const toRequest = ({ reference, session, parent, messages, output, error, tokens }: Creation) =>
  log({
    reference_id: `r${reference}`,
    ...(session !== undefined && { session_reference_id: `s${session}` }),
    ...(parent !== undefined && { parent_reference_id: `r${parent}` }),
    ...(messages && { messages: messages.map((content) => ({ role: 'user' as const, content })) }),
    ...(output !== undefined && { output }),
    ...(error !== undefined && { error }),
    ...(tokens !== undefined && { prompt_tokens: tokens }),
  });

async function catchUp(store: Store): Promise<void> {
  await expect.poll(async () => (await store.viewer.indexLag()).logs, { interval: 10 }).toBe(0);
}

async function apply(store: Store, model: Model, each: typeof step extends fc.Arbitrary<infer Value> ? Value : never) {
  if (each.kind === 'post') {
    const known = new Set(model.logs.keys());
    const created = await store.createLogs(each.creations.map(toRequest));
    for (const [at, { id }] of created.entries()) model.create(each.creations[at]!, id);
    model.linkChildrenOf(
      [...new Set(each.creations.map(({ reference }) => reference))].filter((one) => !known.has(one)),
    );
  } else if (each.kind === 'update') {
    const { output, duration } = each;
    const update = { ...(output !== undefined && { output }), ...(duration !== undefined && { duration }) };
    const updated = await store.updateLog({ referenceId: `r${each.reference}` }, update);
    const known = model.logs.get(each.reference);
    expect(updated?.id).toBe(known?.id);
    if (known) Object.assign(known, update);
  } else if (each.kind === 'delete') {
    await store.deleteLogs(each.references.map((reference) => model.logs.get(reference)?.id ?? 'data_unknown'));
    for (const reference of each.references) model.delete(reference);
  } else await catchUp(store);
}

async function expectSame(store: Store, model: Model): Promise<void> {
  for (const { id, linked } of model.logs.values()) {
    expect((await store.getLog(id))?.parent_id).toBe(linked === undefined ? undefined : model.logs.get(linked)!.id);
  }
  const { sessions } = await store.viewer.listSessions({ size: 100 });
  const groups = model.groups();
  expect(new Set(sessions.map(({ id, reference_id }) => reference_id ?? id))).toEqual(new Set(groups.keys()));
  for (const { id, reference_id, logs, errors, running, prompt_tokens } of sessions) {
    const own = groups.get(reference_id ?? id)!;
    const counted = own.map(({ tokens }) => tokens).filter((tokens) => tokens !== undefined);
    expect({ logs, errors, running, prompt_tokens }).toEqual({
      logs: own.length,
      errors: own.filter(({ error }) => error !== undefined).length,
      running: own.filter(({ error, output, duration }) => [error, output, duration].every((one) => one === undefined))
        .length,
      prompt_tokens: counted.length > 0 ? counted.reduce((sum, tokens) => sum + tokens, 0) : sumOfNone(prompt_tokens),
    });
  }
  for (const search of SEARCHES) {
    const page = await store.viewer.listSessions({ search, size: 100 });
    expect(new Set(page.sessions.map(({ id, reference_id }) => reference_id ?? id)), search).toEqual(
      model.search(search),
    );
  }
}

/** A session whose counted logs were all deleted has a sum of 0; one that never had any has none. */
function sumOfNone(stored: number | undefined): number | undefined {
  return stored === 0 ? 0 : undefined;
}

test.each([':memory:', 'a file'])(
  'a store in %s',
  async (place) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), async (steps) => {
        const file = place === ':memory:' ? place : join(temporaryDirectory(), 'logs.db');
        const errors: unknown[] = [];
        const store = await openSqliteStore({ file, onError: (error) => errors.push(error) });
        try {
          const model = new Model();
          for (const each of steps) await apply(store, model, each);
          await catchUp(store);
          await expectSame(store, model);
          expect(errors).toEqual([]);
        } finally {
          await store.close();
        }
      }),
      { numRuns: place === ':memory:' ? 40 : 10 },
    );
  },
  240_000,
);
