/** Tools that apps and small SDKs trace by hand. */
import { describe, expect, it } from 'vitest';
import { kindOf, read } from '../span.ts';

const NAMED = { 'tool.name': 'look' };

describe('a name with what the tool was given or returned', () => {
  it.each(['tool.input', 'tool.arguments', 'tool.args', 'input.value'])('%s has the arguments', (key) => {
    expect(kindOf({ ...NAMED, [key]: '{"at":"yard"}' })).toBe('tool');
    expect(read({ ...NAMED, [key]: '{"at":"yard"}' })).toMatchObject({ name: 'look', inputs: { at: 'yard' } });
  });

  it.each(['tool.output', 'tool.result', 'output.value'])('%s has the result', (key) => {
    expect(read({ ...NAMED, [key]: 'rain' })).toMatchObject({ name: 'look', output: 'rain' });
    expect(read({ ...NAMED, [key]: { sky: 'grey' } }).output).toBe('{"sky":"grey"}');
  });

  it('fails with the status of the span', () => {
    const status = { code: 2, message: 'tool error' };
    const reading = read({ ...NAMED, 'tool.input': '{}', 'tool.output': 'No such file' }, { status });
    expect(reading).toMatchObject({ output: 'No such file', error: { message: 'tool error' } });
  });

  it.each([
    '[{:type=>"text", :text=>"a \\"b\\" \\#{c}"}]',
    '[{type: "text", text: "a \\"b\\" \\#{c}"}]',
    '[{"type"=>"text", "text"=>"a \\"b\\" \\#{c}"}]',
  ])('%s is the text in blocks as Ruby prints them', (output) => {
    expect(read({ ...NAMED, 'tool.output': output }).output).toBe('a "b" #{c}');
  });

  it('arguments that Ruby prints are read', () => {
    const reading = read({ ...NAMED, 'tool.input': '{"at"=>"yard", :days=>[1, nil], "of"=>{"a"=>true}}' });
    expect(reading.inputs).toEqual({ at: 'yard', days: [1, null], of: { a: true } });
    expect(reading.metadata).not.toHaveProperty('truncated');
  });

  it.each(['[{:a', '{a: 1', '{"a"=>', '[{:type=>"text", :text=>#<Object:0x1>}]'])('%s stays a text', (output) => {
    expect(read({ ...NAMED, 'tool.output': output }).output).toBe(output);
  });
});

it.each([
  [{ 'tool.name': 'look' }],
  [{ 'tool.input': '{}' }],
  [{ 'tool.name': 'curl', 'tool.version': '8', 'http.request.method': 'GET', 'tool.result': 'ok' }],
  [{ 'tool.name': 'psql', 'tool.args': '-c', 'db.system.name': 'postgresql' }],
  [{ 'tool.name': 'look', 'tool.args': '{}', 'rpc.system.name': 'grpc' }],
  [{ 'tool.name': 'none', 'tool.input': '{}' }],
])('%j is no tool', (attributes) => {
  expect(kindOf(attributes)).toBeUndefined();
});

it('what a call says of the tool that the model asked for is not what the call was given', () => {
  const call = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.request.model': 'm',
    ...NAMED,
    'tool.input': '{"at":"yard"}',
  };
  expect(kindOf(call)).toBe('model');
  expect(read(call).inputs).toBeUndefined();
});
