/** Content of many megabytes and very long lists take time in proportion to their size and give a valid datapoint. */
import { expect, test } from 'vitest';
import { classifySpan, readSpan } from '../../../src/conventions/index.ts';
import { toDatapoint } from '../../../src/datapoint/to-datapoint.ts';
import { logRequest } from '../../../src/wire/v4.ts';
import { MOST_RATIO, ratioOf } from '../../support/effort.ts';
import { SETTINGS } from '../recordings.ts';
import { makeSpan } from '../span.ts';

const MEGABYTE = 1_000_000;
const call = (id: number) => ({ id: `c${id}`, type: 'function', function: { name: 'f', arguments: '{}' } });
const many = <Item>(count: number, item: (index: number) => Item) => Array.from({ length: count }, (_, at) => item(at));

/** Values of a `share` of the size, which is megabytes and thousands of items. */
function valuesOf(share: number): Record<string, unknown> {
  const megabyte = share * MEGABYTE;
  const count = share * 8_000;
  const base64 = 'iVBORw0KGgo'.padEnd(2 * megabyte, 'Ab0/');
  return {
    base64,
    'a data URL': `data:image/png;base64,${base64}`,
    'an image in a message': JSON.stringify([{ role: 'user', parts: [{ type: 'blob', content: base64 }] }]),
    'an image URL in a message': JSON.stringify([
      { role: 'user', content: [{ type: 'image_url', image_url: { url: `data:image/png;base64,${base64}` } }] },
    ]),
    text: 'lorem ipsum\n'.repeat(megabyte / 6),
    'JSON that was cut': JSON.stringify([{ role: 'user', content: 'x'.repeat(2 * megabyte) }]).slice(0, -10),
    quotes: `["${'\\"'.repeat(megabyte)}`,
    'open brackets': '['.repeat(megabyte),
    'open objects': '{"a":'.repeat(megabyte / 5),
    spaces: ' '.repeat(2 * megabyte),
    'a vector': `[${'1,'.repeat(megabyte / 2)}1]`,
    'many messages': JSON.stringify(many(count, (at) => ({ role: 'user', content: `message ${at}` }))),
    'many structured messages': many(count, (at) => ({ role: 'user', content: `message ${at}` })),
    'calls that are answered in reverse': JSON.stringify([
      ...many(count / 2, (at) => ({ role: 'assistant', tool_calls: [call(at)] })),
      ...many(count / 2, (at) => ({ role: 'tool', tool_call_id: `c${count / 2 - 1 - at}`, content: 'r' })),
    ]),
    // Texts in quotes are not weighed before they are opened.
    'answers in each other': JSON.stringify(
      JSON.stringify(`${'{"output":'.repeat(count / 2)}1${'}'.repeat(count / 2)}`),
    ),
    'many tools': JSON.stringify(many(count, call)),
  };
}

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

const [SMALL, LARGE] = [valuesOf(0.25), valuesOf(1)];

test.each(PLACES)('%s of %j', async (key, beside) => {
  const mapping = (value: unknown) => {
    const span = makeSpan({ ...beside, [key]: value });
    const kind = classifySpan(span)?.kind;
    if (kind === undefined) throw new Error(`${key} is of no log`);
    return () => toDatapoint(span, kind, readSpan(span), { referenceId: 'a-b', sessionReferenceId: 'a' }, SETTINGS);
  };
  for (const [what, value] of Object.entries(LARGE)) {
    const map = mapping(value);
    expect(logRequest.safeParse(map()).error?.issues, what).toBeUndefined();
    expect(await ratioOf(mapping(SMALL[what]), map), what).toBeLessThan(MOST_RATIO);
  }
});
