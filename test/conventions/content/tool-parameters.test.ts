/** At `tool.parameters` and its like some apps write the schema of what a tool takes, and others what it was given. */
import { describe, expect, it } from 'vitest';
import type { Attributes } from '../../../src/otel/span-slice.ts';
import { read } from '../span.ts';

const TOOLS: Readonly<Record<string, (parameters: unknown) => Attributes>> = {
  'gen_ai.tool.parameters': (parameters) => ({
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': 't',
    'gen_ai.tool.parameters': parameters,
  }),
  'tool.parameters of the GenAI conventions': (parameters) => ({
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': 't',
    'tool.parameters': parameters,
  }),
  'tool.parameters of OpenInference': (parameters) => ({
    'openinference.span.kind': 'TOOL',
    'tool.parameters': parameters,
  }),
  "TraceAI's": (parameters) => ({ 'fi.span.kind': 'TOOL', 'gen_ai.tool.parameters': parameters }),
};
const SCHEMA = { type: 'object', properties: { city: { type: 'string' } } };

describe.each(Object.entries(TOOLS))('%s', (_key, spanOf) => {
  it.each([
    ['{"city":"Paris"}', { city: 'Paris' }],
    ["{'city': 'Paris', 'near': None}", { city: 'Paris', near: null }],
    ['Paris', { input: 'Paris' }],
    ['["a","b"]', { input: ['a', 'b'] }],
    [['a', 'b'], { input: ['a', 'b'] }],
    [42, { input: 42 }],
    ['42', { input: 42 }],
    ['null', undefined],
    ['', undefined],
  ])('%j is what it was given', (parameters, inputs) => {
    const reading = read(spanOf(parameters));
    expect(reading.inputs).toEqual(inputs);
    expect(reading.toolParameters).toBeUndefined();
  });

  it.each([
    { $ref: '#/$defs/city' },
    { oneOf: [SCHEMA, { type: 'null' }] },
    { city: { type: 'string' }, days: { type: 'integer', description: 'How many.' } },
  ])('%j is what it takes, too', (schema) => {
    const reading = read(spanOf(JSON.stringify(schema)));
    expect(reading.inputs).toBeUndefined();
    expect(reading.toolParameters).toEqual(schema);
  });

  it.each([[JSON.stringify(SCHEMA)], [JSON.stringify(JSON.stringify(SCHEMA))]])('%s is what it takes', (parameters) => {
    const reading = read(spanOf(parameters));
    expect(reading.inputs).toBeUndefined();
    expect(reading.toolParameters).toEqual(SCHEMA);
  });
});

it("Bedrock's schema is what a tool takes", () => {
  const reading = read({ ...TOOLS['gen_ai.tool.parameters']?.(JSON.stringify({ json: SCHEMA })) });
  expect([reading.toolParameters, reading.inputs]).toEqual([SCHEMA, undefined]);
});
