/** Where content is that is stored elsewhere: named without what would open the store, and content itself. */
import { expect, it } from 'vitest';
import { toAddress } from '../../../src/conventions/content/content-refs.ts';
import { withholdContent } from '../../../src/datapoint/withhold-content.ts';
import { read } from '../span.ts';

const CHAT = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' };

it.each([
  ['gs://bucket/a b/in.jsonl', 'gs://bucket/a b/in.jsonl'],
  ['https://store.example/in.json?sig=s3cret&se=2026', 'https://store.example/in.json'],
  ['https://store.example/in.json#s3cret', 'https://store.example/in.json'],
  ['https://me:s3cret@store.example/in.json', 'https://store.example/in.json'],
  ['//me:s3cret@store.example/in.json', '//store.example/in.json'],
  ['  https://me:s3cret@with@store.example/a@b', 'https://store.example/a@b'],
  ['/var/genai/in.json', '/var/genai/in.json'],
  ['?sig=s3cret', undefined],
  ['data:application/json;base64,W10=', undefined],
  [' DATA:text/plain,s3cret', undefined],
  ['none', undefined],
  ['', undefined],
  ['x'.repeat(5_000), undefined],
  [{ uri: 'gs://bucket/in' }, undefined],
])('the address in %s is %s', (value, address) => {
  expect(toAddress(value)).toBe(address);
});

it('reads addresses of the span, its events and their bodies, one or several, the span first', () => {
  const event = {
    'gen_ai.input.messages_ref': 'gs://b/of-event',
    body: { 'gen_ai.output.messages_ref': 'gs://b/of-body', 'gen_ai.system_instructions_ref': 'data:,x' },
  };
  const { contentMetadata } = read(
    { ...CHAT, 'gen_ai.input.messages_ref': ['gs://b/1', 'gs://b/2'], 'gen_ai.tool.definitions.ref': 'gs://b/t' },
    { events: [{ name: 'gen_ai.client.inference.operation.details', attributes: event }] },
  );
  expect(contentMetadata).toEqual({
    content_refs: {
      input_messages: ['gs://b/1', 'gs://b/2'],
      tool_definitions: 'gs://b/t',
      output_messages: 'gs://b/of-body',
    },
  });
});

it("reads those of any vocabulary, and leaves the app's own attributes alone", () => {
  const chain = { 'openinference.span.kind': 'CHAIN', 'input.value_ref': 's3://b/in', 'git.ref': 'main', ref: 'x' };
  expect(read(chain).contentMetadata).toEqual({ content_refs: { input_value: 's3://b/in' } });
  expect(read({ ...CHAT, 'gen_ai.input.messages_ref': '' }).contentMetadata).toBeUndefined();
});

it('is withheld with all other content', () => {
  const reading = read({ ...CHAT, 'gen_ai.input.messages_ref': 'gs://b/secret-project/in' });
  expect(JSON.stringify(withholdContent(reading))).not.toContain('secret-project');
});
