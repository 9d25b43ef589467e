/** A file with logs of every kind, written through the API of a server. */
import { copyFileSync } from 'node:fs';
import { startServer } from '../../../../src/server/index.ts';

const TEXTS = [
  ...[
    '',
    'plain words of a question',
    'a\0b',
    '\ud800 half',
    'x\udfff',
    '"quoted" \\ %_',
    '\u202e',
    '🙂 smile',
    '漢字かな',
  ],
  ...['{"a":1}', 'null', '__proto__', '9007199254740993', 'é vs é', `${'long '.repeat(1_900)}end`],
];
const NUMBERS = [0, -0, 5e-324, 1e11, -1e11, 0.1, 1234.5678];
const COUNTS = [0, 1, 2 ** 31 - 1, -(2 ** 31), 77];
const TIMES = [
  '0000-01-01T00:00:00Z',
  '9999-12-31T23:59:59.999999Z',
  '1969-12-31T23:59:59.5Z',
  '2024-02-29T00:00:00.123456Z',
];
const CONFIG = { type: 'model', model: 'model-1' };

type Body = Record<string, unknown>;
type Call = (method: string, path: string, body?: unknown) => Promise<ReturnType<typeof JSON.parse>>;

const at = <Item>(items: readonly Item[], index: number): Item => items[index % items.length]!;

function nested(levels: number): unknown {
  return JSON.parse(`${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`);
}

function configOf(index: number): Body | undefined {
  if (index % 5 === 0) return undefined;
  if (index % 5 === 1)
    return { type: 'tool', name: `tool ${index % 3}`, parameters: { deep: nested(1 + (index % 50)) } };
  if (index % 5 === 2) return { type: 'generic', name: at(TEXTS, index), other: { note: at(TEXTS, index + 1) } };
  if (index % 5 === 3) return { type: 'agent', agent_class: 'A', model_config: { model: `model-${index % 4}` } };
  return { type: 'model', model: `model-${index % 7}`, temperature: index % 3 };
}

/** `isLoose`: two of three logs are in no session. */
function logOf(index: number, isLoose: boolean): Body {
  const trace = (index % 40).toString(16).padStart(32, '0');
  const text = at(TEXTS, index);
  return {
    project: at(['shop', 'desk', text || 'unnamed'], index % 11 === 0 ? 2 : index % 2),
    reference_id: index % 4 === 0 ? undefined : `${trace}-${index.toString(16).padStart(16, '0')}`,
    ...((index % 3 === 0 || !isLoose) && {
      session_reference_id: at([trace, text || 's', `chat ${index % 25}`], index),
    }),
    // A log before, one that comes later, one that never comes.
    ...(index % 6 === 1 && { parent_reference_id: `${trace}-${(index - 40).toString(16).padStart(16, '0')}` }),
    ...(index % 6 === 2 && { parent_reference_id: `${trace}-${(index + 40).toString(16).padStart(16, '0')}` }),
    ...(index % 97 === 0 && { parent_reference_id: `never ${index % 5}` }),
    ...(configOf(index) ? { config: configOf(index) } : { trial_id: `trial ${index}` }),
    ...(index % 2 === 0 && { inputs: { question: text, more: nested(1 + (index % 300)) } }),
    ...(index % 3 === 1 && {
      messages: [
        { role: 'user', content: text },
        { role: 'assistant', content: null },
      ],
    }),
    ...(index % 5 !== 2 && { output: `answer ${index} ${text}` }),
    ...(index % 9 === 4 && { error: `failed: ${text}` }),
    ...(index % 7 !== 3 && { duration: Math.abs(at(NUMBERS, index)) % 1e6 }),
    ...(index % 4 !== 1 && { prompt_tokens: at(COUNTS, index), output_tokens: at(COUNTS, index + 1) }),
    ...(index % 4 === 2 && { prompt_cost: at(NUMBERS, index) / 7, output_cost: 0.25 }),
    ...(index % 8 === 5 && { created_at: at(TIMES, index) }),
    ...(index % 13 === 6 && { save: false }),
    ...(index % 5 === 3 && { source: 'sdk', environment: `env ${index % 3}` }),
    metadata: {
      user: `user ${index % 6}`,
      number: at(NUMBERS, index),
      ['key\0']: text,
      trace_id: index % 7 ? undefined : 'tr',
    },
    ...(index % 10 === 1 && {
      feedback: [
        { type: 'rating', value: at(['good', 'bad'], index), user: 'ada' },
        { type: 'comment', value: text || 'none' },
        { type: 'score', value: at([0.5, true, ['a', 'b']] as unknown[], index) },
      ],
    }),
    ...(index % 17 === 0 && {
      output_message: {
        role: 'assistant',
        tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }],
      },
    }),
    ...(index % 19 === 0 && {
      provider_request: { body: text },
      provider_response: { list: [1, null, text] },
      stdout: text,
    }),
  };
}

export async function writeOddFile(file: string, logs: number, { isLoose }: { isLoose: boolean }): Promise<void> {
  const server = await startServer({ port: 0, file: `${file}.written` });
  const call: Call = async (method, path, body) => {
    const response = await fetch(server.url + path, {
      ...{ method, headers: { 'content-type': 'application/json' } },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 300)}`);
    return text === '' ? undefined : JSON.parse(text);
  };
  const ids: string[] = [];
  const among = isLoose ? {} : { session_reference_id: 'others' };
  for (let start = 0; start < logs; start += 40) {
    const bodies = Array.from({ length: Math.min(40, logs - start) }, (_, index) => logOf(start + index, isLoose));
    for (const { id } of await call('POST', '/v4/logs', bodies)) ids.push(id);
  }
  // Children by id; a circle of references; a session by id, and one without logs.
  for (let index = 0; index < 30; index += 1) {
    await call('POST', '/v4/logs', {
      project: 'shop',
      ...among,
      parent_id: ids[index * 3],
      config: CONFIG,
      output: `child by id ${index}`,
    });
  }
  for (const [own, parent] of [
    ['circle a', 'circle b'],
    ['circle b', 'circle c'],
    ['circle c', 'circle a'],
  ]) {
    await call('POST', '/v4/logs', {
      project: 'desk',
      ...among,
      reference_id: own,
      parent_reference_id: parent,
      config: CONFIG,
    });
  }
  const { id: session } = await call('POST', '/v4/sessions');
  await call('POST', '/v4/logs', {
    project: 'shop',
    session_id: session,
    config: CONFIG,
    output: 'in a session by id',
  });
  await call('POST', '/v4/sessions');
  for (let index = 5; index < logs; index += 50) {
    await call('PATCH', `/v4/logs/${ids[index]}`, { output: `late ${at(TEXTS, index)}`, duration: 2.5 });
    await call('POST', '/v4/feedback', {
      type: 'rating',
      value: 'good',
      data_id: ids[index + 1],
      user: `user ${index % 6}`,
    });
  }
  await call('POST', '/v4/model-configs', { project: 'shop', model: 'registered', name: 'the best' });
  const { records } = await call('GET', '/v4/projects?size=50');
  const shop = records.find(({ name }: { name: string }) => name === 'shop').id;
  await call('POST', `/v4/projects/${shop}/feedback-types`, {
    type: 'mood',
    class: 'select',
    values: [{ value: 'glad' }],
  });
  const { records: configs } = { records: await call('GET', `/v4/projects/${shop}/configs`) };
  await call('PATCH', `/v4/projects/${shop}`, { active_config_id: configs[0].id });
  // Parents and whole sessions that are gone.
  await call('DELETE', `/v4/logs?id=${ids[7]}&id=${ids[101]}&id=${ids[202]}`);
  await server.close();
  copyDatabase(`${file}.written`, file);
}

/** Of a server that is closed: on Node 20 this process has the file open until its statements are collected. */
export function copyDatabase(from: string, to: string): string {
  copyFileSync(from, to);
  return to;
}
