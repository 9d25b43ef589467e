import { expect, test } from 'vitest';
import { formatLegend, formatSessions } from '../../scripts/session-tree.ts';
import type { LogResponse } from '../../src/wire/v4.ts';

const PLAIN = { width: 100, color: false };

/** Seconds after the start of the test's day, as the API writes them. */
const at = (seconds: number) => new Date(Date.UTC(2024, 0, 1) + seconds * 1000).toISOString();

function log(id: string, fields: Partial<LogResponse> & { startsAt?: number; changesAt?: number }): LogResponse {
  const { startsAt = 0, changesAt = 100, ...rest } = fields;
  return {
    id,
    session_reference_id: 's',
    reference_id: `ref-${id}`,
    created_at: at(startsAt),
    updated_at: at(changesAt),
    duration: 1,
    evaluation_results: [],
    observability_status: 'completed',
    ...rest,
  };
}

const model = { type: 'model', model: 'gpt-4o' } as const;
const tool = { type: 'tool', name: 'get_weather' } as const;
const agent = { type: 'agent', name: 'planner', agent_class: 'agent', model_config: { model: 'gpt-4o' } } as const;

test('a session is a tree in order of the starts, whatever the order of the logs', () => {
  const logs = [
    log('late', { startsAt: 9, config: { type: 'generic', name: 'summary' }, output: 'all done' }),
    log('second', { startsAt: 3, config: tool, parent_reference_id: 'ref-root', output: '{"sky":\n  "dry"}' }),
    log('grandchild', { startsAt: 4, config: model, parent_id: 'second', duration: null, error: 'no answer' }),
    log('root', { startsAt: 1, config: agent, duration: 2.345, output: 'Take the train.' }),
    log('first', {
      startsAt: 2,
      config: model,
      parent_reference_id: 'ref-root',
      prompt_tokens: 12,
      output_tokens: 3,
      output_message: { role: 'assistant', tool_calls: [toolCall('get_weather'), toolCall('get_trains')] },
    }),
  ];
  expect(formatSessions(logs, PLAIN)).toBe(
    [
      's  5 logs',
      '├─ agent    planner (gpt-4o)   2.35 s          Take the train.',
      '│  ├─ model    gpt-4o          1.00 s  12 → 3  calls get_weather, get_trains',
      '│  └─ tool     get_weather     1.00 s          {"sky": "dry"}',
      '│     └─ model    gpt-4o      running          ✗ no answer',
      '└─ generic  summary            1.00 s          all done',
    ].join('\n'),
  );
});

test('sessions are in order of their first log and share their columns', () => {
  const logs = [
    log('b', { startsAt: 2, session_reference_id: 'later', config: tool }),
    log('a', { startsAt: 1, session_reference_id: null, session_id: 'sesh_1', config: model }),
    log('c', { startsAt: 3, session_reference_id: null, config: model }),
  ];
  expect(formatSessions(logs, PLAIN)).toBe(
    [
      'sesh_1  1 log\n└─ model    gpt-4o       1.00 s',
      'later  1 log\n└─ tool     get_weather  1.00 s',
      'no session  1 log\n└─ model    gpt-4o       1.00 s',
    ].join('\n\n'),
  );
});

test('a log that changed after its child was stored was completed late', () => {
  const parent = log('parent', { config: agent, output: 'done', changesAt: 5 });
  const stored = (changesAt: number) => log('child', { startsAt: 1, config: tool, parent_id: 'parent', changesAt });
  expect(formatSessions([parent, stored(4)], PLAIN)).toContain('↻ done');
  expect(formatSessions([parent, stored(6)], PLAIN)).not.toContain('↻');
  expect(formatLegend([parent, stored(4)])).toBe(
    'tokens: prompt → output   ↻ logged while it ran, completed later by update_by_ref',
  );
  expect(formatLegend([{ ...parent, error: 'e' }, stored(6)])).toBe('tokens: prompt → output   ✗ failed');
});

test('no line is wider than the terminal, and what is cut ends in an ellipsis', () => {
  const long = 'wide '.repeat(100);
  const logs = [log('a', { config: model, output: long }), log('b', { config: tool, error: long })];
  for (const width of [40, 80, 120]) {
    const lines = formatSessions(logs, { width, color: false }).split('\n').slice(1);
    for (const line of lines) {
      expect(line.length).toBe(width);
      expect(line).toMatch(/…$/);
    }
  }
});

test('colors change nothing but the colors', () => {
  const logs = [log('a', { config: model, output: 'ok' }), log('b', { config: tool, error: 'no' })];
  const colored = formatSessions(logs, { width: 100, color: true });
  expect(colored).toContain('\u001b[31m');
  const escapes = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g');
  expect(colored.replaceAll(escapes, '')).toBe(formatSessions(logs, PLAIN));
});

test('logs without config, duration, parent or time have their line too', () => {
  const logs = [
    log('bare', { session_reference_id: null, created_at: null, duration: null }),
    log('orphan', { startsAt: 1, parent_reference_id: 'elsewhere' }),
    log('self', { startsAt: 2, parent_id: 'self' }),
    log('one', { startsAt: 3, parent_id: 'other' }),
    log('other', { startsAt: 4, parent_id: 'one' }),
  ];
  const lines = formatSessions(logs, PLAIN).split('\n');
  expect(lines.filter((line) => line.includes('─ log'))).toHaveLength(5);
  expect(formatSessions([], PLAIN)).toBe('');
});

function toolCall(name: string) {
  return { id: name, type: 'function', function: { name } } as const;
}
