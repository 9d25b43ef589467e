/** What clients may do, in any order. Logs and sessions have few names, so that steps meet the same ones. */
import fc from 'fast-check';
import type { LogRequest } from '../../../../src/wire/v4.ts';

const SENTENCES = [
  'the harbour is closed during winter',
  'winter tickets are sold at the station',
  'a ferry each morning',
];
const OUTPUTS = ['it is late', 'sold out', ''];
/** Logs of one session may begin at the same time, and sessions end at the same time. */
const TIMES = ['2024-03-04T23:59:59.5Z', '2024-03-05T10:00:00Z', '2024-03-05T10:00:01Z', '2024-03-06T00:00:00.001Z'];
export const REFERENCES = 8;
const PARENTS = [undefined, 0, 1, undefined, 3, 1, undefined, 2];
export const SESSIONS = 3;
export const PROJECTS = ['alpha', 'beta'];
export const MODELS = ['gpt-4', 'other'];
/** In the order of their bytes, capitals are first. */
export const SOURCES = ['sdk', 'api', 'Sdk'];

const maybe = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined });
const reference = fc.nat(REFERENCES - 1);

const creation = fc.record({
  reference: fc.option(reference, { nil: undefined, freq: 3 }),
  session: maybe(fc.nat(SESSIONS - 1)),
  parent: maybe(reference),
  project: fc.constantFrom(...PROJECTS),
  createdAt: fc.constantFrom(...TIMES),
  messages: maybe(fc.subarray(SENTENCES)),
  inputs: maybe(fc.constantFrom({ q: 'Winter' }, { q: 'x', n: 1 })),
  output: maybe(fc.constantFrom(...OUTPUTS)),
  message: maybe(fc.constantFrom('', 'the harbour is open')),
  error: maybe(fc.constant('broken')),
  duration: maybe(fc.nat(3)),
  tokens: maybe(fc.nat(9)),
  cost: maybe(fc.constantFrom(0, 0.25, 2)),
  user: maybe(fc.constantFrom('ada', 'bob')),
  environment: maybe(fc.constantFrom('prod', 'test')),
  rating: maybe(fc.constantFrom('good', 'bad')),
  source: maybe(fc.constantFrom(...SOURCES)),
});
export type Creation = typeof creation extends fc.Arbitrary<infer Value> ? Value : never;

const post = fc.record({
  kind: fc.constant('post' as const),
  logs: fc.array(creation, { minLength: 1, maxLength: 10 }),
});
const update = fc.record({
  kind: fc.constant('update' as const),
  reference,
  output: maybe(fc.constantFrom(...OUTPUTS)),
  error: maybe(fc.constant('broken again')),
  /** Not shorter: until its logs are counted again, a session ends when it did. */
  duration: maybe(fc.constant(3)),
});
const rate = fc.record({
  kind: fc.constant('rate' as const),
  reference,
  value: maybe(fc.constantFrom('good', 'bad')),
});
const remove = fc.record({
  kind: fc.constant('delete' as const),
  references: fc.uniqueArray(reference, { minLength: 1, maxLength: 3 }),
});
const removeSession = fc.record({ kind: fc.constant('delete session' as const), session: fc.nat(SESSIONS - 1) });

export const steps = fc.array(
  fc.oneof(
    { arbitrary: post, weight: 6 },
    { arbitrary: update, weight: 3 },
    { arbitrary: rate, weight: 1 },
    { arbitrary: remove, weight: 2 },
    { arbitrary: removeSession, weight: 1 },
  ),
  { minLength: 1, maxLength: 8 },
);
/** Outputs say nothing, so that the messages of the answers count, and none of their words is replaced. */
export const silentSteps = fc.array(
  fc.oneof(
    {
      arbitrary: fc.record({
        kind: fc.constant('post' as const),
        logs: fc.array(
          creation.map((each) => ({
            ...each,
            output: each.output && '',
            messages: undefined,
            reference: (each.reference ?? 0) % 3,
          })),
          { minLength: 1, maxLength: 4 },
        ),
      }),
      weight: 6,
    },
    {
      arbitrary: update.map((each) => ({ ...each, output: each.output && '', reference: each.reference % 3 })),
      weight: 3,
    },
    { arbitrary: rate, weight: 1 },
    { arbitrary: remove, weight: 2 },
    { arbitrary: removeSession, weight: 1 },
  ),
  { minLength: 1, maxLength: 8 },
);
export type Step = typeof post | typeof update | typeof rate | typeof remove | typeof removeSession extends infer Each
  ? Each extends fc.Arbitrary<infer Value>
    ? Value
    : never
  : never;

/**
 * No log is below itself. `inSessions`: a log that has no session has no parent either, and one that has a parent has it
 * from the beginning.
 */
export function toRequest(each: Creation, inSessions: boolean): LogRequest {
  const isAlone = inSessions && (each.reference === undefined ? each.session === undefined : each.reference % 4 === 3);
  const session = isAlone ? undefined : inSessions ? (each.session ?? 0) : each.session;
  const given = inSessions && each.reference !== undefined ? PARENTS[each.reference] : each.parent;
  const isBelow = given !== undefined && !isAlone && given < (each.reference ?? REFERENCES);
  // Who logs again names the same project and config. A project is of the type of its first config.
  const kind = each.reference ?? PROJECTS.indexOf(each.project);
  const [project, isModel] = [PROJECTS[kind % 2]!, kind % 2 === 1];
  return {
    project,
    created_at: each.createdAt,
    config: isModel ? { type: 'model', model: MODELS[kind % 3 === 0 ? 0 : 1]! } : { type: 'tool', name: 'look' },
    ...(each.reference !== undefined && { reference_id: `r${each.reference}` }),
    ...(session !== undefined && { session_reference_id: `s${session}` }),
    ...(isBelow && { parent_reference_id: `r${given}` }),
    ...(each.messages && { messages: each.messages.map((content) => ({ role: 'user' as const, content })) }),
    ...(each.inputs && { inputs: each.inputs }),
    ...(each.output !== undefined && { output: each.output }),
    ...(each.message !== undefined && { output_message: { role: 'assistant', content: each.message } }),
    ...(each.error !== undefined && { error: each.error }),
    ...(each.duration !== undefined && { duration: each.duration }),
    ...(each.tokens !== undefined && { prompt_tokens: each.tokens }),
    ...(each.cost !== undefined && { output_cost: each.cost }),
    ...(each.user !== undefined && { metadata: { user: each.user } }),
    ...(each.environment !== undefined && { environment: each.environment }),
    ...(each.source !== undefined && { source: each.source }),
    ...(each.rating !== undefined && { feedback: { type: 'rating', value: each.rating, created_at: each.createdAt } }),
  } as LogRequest;
}
