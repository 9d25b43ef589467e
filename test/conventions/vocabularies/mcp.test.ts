import { expect, it } from 'vitest';
import { kindOf, read } from '../span.ts';

const CALL = { 'mcp.method.name': 'tools/call', 'gen_ai.tool.name': 'forecast' };

it.each([
  ['tools/list', undefined],
  ['initialize', undefined],
  ['notifications/progress', undefined],
  ['resources/read', undefined],
  ['tools/call', 'tool'],
])('takes %s for %s', (method, kind) => {
  expect(kindOf({ 'mcp.method.name': method })).toBe(kind);
});

it("leaves a span with an operation of its own to that operation's vocabulary", () => {
  expect(kindOf({ 'mcp.method.name': 'sampling/createMessage', 'gen_ai.operation.name': 'chat' })).toBe('model');
});

it("reads the conventions' arguments and result", () => {
  const reading = read({
    ...CALL,
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.call.arguments': '{"city":"Oslo"}',
    'gen_ai.tool.call.result': '{"content":[{"type":"text","text":"Rain"},{"type":"text","text":"Wind"}]}',
    'jsonrpc.request.id': 7,
  });
  expect(reading).toMatchObject({ name: 'forecast', inputs: { city: 'Oslo' }, output: 'Rain\nWind' });
  expect(reading.metadata).toMatchObject({ convention: 'mcp', mcp_request_id: '7' });
});

it('reads results with one attribute for each block, and blocks that are not text as JSON', () => {
  const blocks = { 'mcp.tool.result.0.content': 'Rain', 'mcp.tool.result.1.content': 'Wind' };
  expect(read({ ...CALL, ...blocks }).output).toBe('Rain\nWind');
  const image = '[{"type":"image","mimeType":"image/png"}]';
  expect(read({ ...CALL, 'mcp.tool.result.content': image }).output).toBe(image);
});

it('reads arguments that are JSON and those that are not, and a result that is an error', () => {
  const reading = read(
    {
      'mcp.method.name': 'tools/call',
      'mcp.request.argument.days': '3',
      'mcp.request.argument.city': 'Oslo',
      'mcp.tool.result.is_error': true,
      'mcp.tool.result.content': 'no such city',
    },
    { name: 'tools/call forecast' },
  );
  expect(reading).toMatchObject({
    name: 'forecast',
    inputs: { days: 3, city: 'Oslo' },
    output: 'no such city',
    error: { type: 'tool error' },
  });
});

it.each([
  ['{"content":[{"type":"text","text":"No such city"}],"isError":true}', { type: 'tool error' }],
  ['{"content":[{"type":"text","text":"Rain"}],"isError":false}', undefined],
  // What the tool returned, which is the app's own.
  ['{"isError":true,"rows":[]}', undefined],
  ['[{"type":"text","text":"{\\"isError\\":true}"}]', undefined],
])('takes an error only from the protocol’s own result: %s', (result, error) => {
  expect(read({ ...CALL, 'gen_ai.tool.call.result': result }).error).toEqual(error);
});
