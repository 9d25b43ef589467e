/** Maps as Java prints them. */
import { expect, test } from 'vitest';
import { MessageReader } from '../../../../src/conventions/content/messages/messages.ts';
import { javaMapIn } from '../../../../src/conventions/values/printed/java-map.ts';
import { read } from '../../span.ts';

test.each([
  ['{city=Paris}', { city: 'Paris' }],
  ['{city=Paris, France, days=3}', { city: 'Paris, France', days: '3' }],
  [
    '{place={city=Oslo, zip=null}, days=[1, 2], none=[]}',
    { place: { city: 'Oslo', zip: null }, days: ['1', '2'], none: [] },
  ],
  ['{query=a=b, text=}', { query: 'a=b', text: '' }],
  ['{text=It rains :] now, type=text}', { text: 'It rains :] now', type: 'text' }],
  [
    '{text=1) fine }: 2] bad, days=[{text=a [b, at=1}, {text=c}]}',
    {
      text: '1) fine }: 2] bad',
      days: [{ text: 'a [b', at: '1' }, { text: 'c' }],
    },
  ],
  ['{__proto__=x, a=b}', { a: 'b' }],
])('%s', (text, map) => {
  expect(javaMapIn(text)).toEqual(map);
});

test.each([
  '{"city":"Paris"}',
  "{'city': 'Paris'}",
  '{city}',
  '{}',
  '{city=Paris',
  '{a=}}',
  '{a=b], c=d}',
  '{a=[b}',
  '{a b=c}',
  'city=Paris',
  3,
])('%s is no such map', (text) => {
  expect(javaMapIn(text)).toBeUndefined();
});

test('arguments of a tool, on its span and in a call', () => {
  const tool = { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'weather' };
  expect(read({ ...tool, 'gen_ai.tool.call.arguments': '{city=Paris}' }).inputs).toEqual({ city: 'Paris' });
  const parts = [{ type: 'tool_call', id: 'call_1', name: 'weather', arguments: '{city=Paris}' }];
  const [message] = new MessageReader().read([{ role: 'assistant', parts }]);
  expect(message?.tool_calls?.[0]?.function.arguments).toBe('{"city":"Paris"}');
});
