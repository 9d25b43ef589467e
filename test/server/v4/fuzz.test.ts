/** Whatever a client sends to the operations on projects and configs, the fault is never the server's. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { startTestServer } from '../../support/start-test-server.ts';

const runs = Number(process.env['PROPERTY_RUNS'] ?? 150);

const SPECIAL = [
  '',
  '\0',
  'a\0b',
  '%',
  '_',
  "'",
  '"',
  '\\',
  '\uD800',
  '👩‍👩‍👧',
  'constructor',
  '__proto__',
  'x'.repeat(10_001),
  '../..',
  'null',
  '-1',
  '1e400',
];

const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom(...SPECIAL));
const value: fc.Arbitrary<unknown> = fc.oneof(
  ...[text, fc.integer(), fc.double(), fc.boolean(), fc.constant(null), fc.array(text, { maxLength: 4 })],
  fc.constantFrom(2 ** 53, -0, 1e308, 2 ** 31, [], {}),
  fc.object({ maxDepth: 3 }),
);

/** Fields that the operations know, with values that fit or do not. */
const FIELDS = {
  name: fc.oneof(text, fc.constantFrom('p', 'q')),
  project: fc.constantFrom('p', 'q', 'r'),
  project_id: fc.constantFrom('PROJECT', 'pr_x', ''),
  active_config_id: fc.constantFrom('CONFIG', 'config_x', ''),
  config_id: fc.constantFrom('CONFIG', 'config_x'),
  environments: fc.constantFrom([], [{ id: 'env_production' }], [{ id: 'x' }]),
  model: fc.oneof(text, fc.constant('gpt-4')),
  type: fc.oneof(text, fc.constantFrom('model', 'rating', 'mood')),
  class: fc.constantFrom('select', 'multi_select', 'text', 'number', 'x'),
  values: fc.array(
    fc.record({ value: text, sentiment: fc.constantFrom('positive', 'unset', 'x') }, { requiredKeys: [] }),
  ),
  tools: fc.array(
    fc.record({ name: text, id: text, source: fc.constantFrom('organization', 'inline', 'x') }, { requiredKeys: [] }),
  ),
  chat_template: fc.array(fc.record({ role: fc.constantFrom('user', 'robot'), content: value }, { requiredKeys: [] })),
  other: fc.object({ maxDepth: 4 }),
  temperature: fc.oneof(fc.double(), text),
  directory_id: value,
} as const;
const known = fc.record(FIELDS, { requiredKeys: [] });
const mutated = fc
  .tuple(known, fc.constantFrom(...Object.keys(FIELDS)), value)
  .map(([body, key, each]) => ({ ...body, [key]: each }));
const body = fc.oneof(
  { weight: 6, arbitrary: fc.oneof(known, mutated).map((each) => JSON.stringify(each)) },
  { weight: 2, arbitrary: fc.array(fc.oneof(known, mutated), { maxLength: 3 }).map((each) => JSON.stringify(each)) },
  { weight: 1, arbitrary: value.map((each) => JSON.stringify(each) ?? '') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      undefined,
      '',
      '{',
      'NaN',
      '{"a":1e999}',
      `${'['.repeat(1_990)}${']'.repeat(1_990)}`,
      `{"model":"m","project":"p","other":${'{"a":'.repeat(1_900)}1${'}'.repeat(1_900)}}`,
    ),
  },
);

const segment = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('PROJECT', 'CONFIG', 'pr_x', 'serialize') },
  { weight: 1, arbitrary: text.filter((each) => each.isWellFormed()).map(encodeURIComponent) },
  { weight: 1, arbitrary: fc.constantFrom('%', '%E0%A4%A', '..', '%2e%2e', '%00', '*') },
);
const path = fc
  .tuple(
    fc.constantFrom(
      '/projects/:',
      '/projects/:/export',
      '/projects/:/configs',
      '/projects/:/active-config',
      '/projects/:/deployed-configs',
      '/projects/:/deploy-config',
      '/projects/:/feedback-types',
      '/projects',
      '/model-configs',
      '/model-configs/:',
      '/model-configs/:/export',
      '/datasets/:',
      '/chat',
    ),
    segment,
  )
  .map(([pattern, id]) => pattern.replace(':', id));
const query = fc
  .array(
    fc.tuple(
      fc.constantFrom('page', 'size', 'environment', 'evaluation_aggregates', 'id', 'filter', 'sort_by', 'order'),
      fc.oneof(
        text.filter((each) => each.isWellFormed()).map(encodeURIComponent),
        fc.constantFrom('0', '1', '10', '-1', '1e3', '99999999999', 'production', '%', '%ff', '+'),
      ),
    ),
    { maxLength: 4 },
  )
  .map((pairs) => pairs.map(([key, each]) => `${key}=${each}`).join('&'));

test('5xx is never the answer, and what is there can be read afterwards', async () => {
  const errors: unknown[] = [];
  const server = await startTestServer({ onError: (error) => errors.push(error) });
  let made = 0;
  const make = async () => {
    made += 1;
    const { body: project } = await server.call('POST', '/v4/projects', { name: `project ${made}` });
    const sent = { project_id: project.id, model: 'm' };
    const { body: config } = await server.call('POST', '/v4/model-configs', sent);
    return { project: project.id as string, config: config.config.id as string };
  };
  let ids = await make();
  const fill = (template: string) => template.replaceAll('PROJECT', ids.project).replaceAll('CONFIG', ids.config);
  const statuses = new Map<number, number>();
  const request = fc.record({
    method: fc.constantFrom('GET', 'POST', 'PATCH', 'DELETE', 'PUT', 'HEAD'),
    path,
    query,
    body,
  });
  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 8 }), async (requests) => {
      for (const { method, path: each, query: parameters, body: sent } of requests) {
        const hasBody = sent !== undefined && method !== 'GET' && method !== 'HEAD';
        const response = await fetch(`${server.url}${fill(`/v4${each}?${parameters}`)}`, {
          method,
          ...(hasBody && { body: fill(sent) }),
        });
        const answer = await response.text();
        expect(response.status, `${method} ${each}?${parameters} ${sent} → ${answer}`).toBeLessThan(500);
        statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
        if (answer !== '') JSON.parse(answer);
        if (method === 'DELETE' && response.status === 204) {
          expect(each).toBe('/projects/PROJECT');
          ids = await make();
        }
      }
      for (const read of ['', '/configs', '/deployed-configs']) {
        expect((await server.call('GET', `/v4/projects/${ids.project}${read}`)).status).toBe(200);
      }
      expect((await server.call('GET', '/v4/projects?size=1000')).status).toBe(200);
    }),
    { numRuns: runs },
  );
  expect(errors).toEqual([]);
  // The requests are not all wrong ones.
  expect([...statuses.keys()]).toEqual(expect.arrayContaining([200, 404, 422]));
});
