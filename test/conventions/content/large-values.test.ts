/** Content of many megabytes and very long lists take a bounded time and give a valid datapoint. */
import { expect, test } from 'vitest';
import { classifySpan, readSpan } from '../../../src/conventions/index.ts';
import { toDatapoint } from '../../../src/datapoint/to-datapoint.ts';
import { logRequest } from '../../../src/wire/v4.ts';
import { SETTINGS } from '../recordings.ts';
import { makeSpan } from '../span.ts';

/** CPU time of one span, best of some tries, so that a busy machine does not fail the test. */
const MAX_MILLIS = 250;
const TRIES = 5;

const MEGABYTE = 1_000_000;
const BASE64 = 'iVBORw0KGgo'.padEnd(2 * MEGABYTE, 'Ab0/');
const call = (id: number) => ({ id: `c${id}`, type: 'function', function: { name: 'f', arguments: '{}' } });
const many = <Item>(count: number, item: (index: number) => Item) => Array.from({ length: count }, (_, at) => item(at));

const VALUES: Record<string, unknown> = {
  base64: BASE64,
  'a data URL': `data:image/png;base64,${BASE64}`,
  'an image in a message': JSON.stringify([{ role: 'user', parts: [{ type: 'blob', content: BASE64 }] }]),
  'an image URL in a message': JSON.stringify([
    { role: 'user', content: [{ type: 'image_url', image_url: { url: `data:image/png;base64,${BASE64}` } }] },
  ]),
  text: 'lorem ipsum\n'.repeat(MEGABYTE / 6),
  'JSON that was cut': JSON.stringify([{ role: 'user', content: 'x'.repeat(2 * MEGABYTE) }]).slice(0, -10),
  quotes: `["${'\\"'.repeat(MEGABYTE)}`,
  'open brackets': '['.repeat(MEGABYTE),
  'open objects': '{"a":'.repeat(MEGABYTE / 5),
  spaces: ' '.repeat(2 * MEGABYTE),
  'a vector': `[${'1,'.repeat(500_000)}1]`,
  'many messages': JSON.stringify(many(8_000, (at) => ({ role: 'user', content: `message ${at}` }))),
  'many structured messages': many(8_000, (at) => ({ role: 'user', content: `message ${at}` })),
  'calls that are answered in reverse': JSON.stringify([
    ...many(4_000, (at) => ({ role: 'assistant', tool_calls: [call(at)] })),
    ...many(4_000, (at) => ({ role: 'tool', tool_call_id: `c${3_999 - at}`, content: 'r' })),
  ]),
  'many tools': JSON.stringify(many(8_000, call)),
};

const CHAT = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o' };
const LLM = { 'openinference.span.kind': 'LLM' };
const GENERATE = { 'ai.operationId': 'ai.generateText.doGenerate' };
const LANGFUSE = { 'langfuse.observation.type': 'generation' };
const OPENLLMETRY = { 'llm.request.type': 'chat' };

const PLACES: readonly (readonly [key: string, beside: Record<string, unknown>])[] = [
  ['gen_ai.input.messages', CHAT],
  ['gen_ai.output.messages', CHAT],
  ['gen_ai.system_instructions', CHAT],
  ['gen_ai.tool.definitions', CHAT],
  ['gen_ai.tool.call.arguments', { 'gen_ai.operation.name': 'execute_tool' }],
  ['input.value', LLM],
  ['output.value', LLM],
  ['llm.input_messages.0.message.content', LLM],
  ['llm.invocation_parameters', LLM],
  ['output.value', { 'openinference.span.kind': 'TOOL' }],
  ['ai.prompt.messages', GENERATE],
  ['ai.prompt.tools', GENERATE],
  ['ai.response.text', GENERATE],
  ['ai.response.toolCalls', GENERATE],
  ['ai.response.providerMetadata', GENERATE],
  ['gen_ai.prompt.0.content', OPENLLMETRY],
  ['traceloop.entity.input', { 'traceloop.span.kind': 'tool' }],
  ['langfuse.observation.input', LANGFUSE],
  ['langfuse.observation.output', LANGFUSE],
  ['gen_ai.prompt', { 'langsmith.span.kind': 'llm' }],
];

test.each(PLACES)('%s of %j', (key, beside) => {
  for (const [what, value] of Object.entries(VALUES)) {
    const span = makeSpan({ ...beside, [key]: value });
    const kind = classifySpan(span)?.kind;
    if (kind === undefined) throw new Error(`${key} is of no log`);
    const map = () =>
      toDatapoint(span, kind, readSpan(span), { referenceId: 'a-b', sessionReferenceId: 'a' }, SETTINGS);
    expect(logRequest.safeParse(map()).error?.issues, what).toBeUndefined();
    expect(bestMillis(map), what).toBeLessThan(MAX_MILLIS);
  }
});

function bestMillis(run: () => unknown): number {
  let best = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < TRIES && best >= MAX_MILLIS / 2; attempt++) {
    const before = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / 1000);
  }
  return best;
}
