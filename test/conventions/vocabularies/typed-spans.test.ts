/** Vocabularies whose spans have a type, an input and an output. */
import { describe, expect, it } from 'vitest';
import { kindOf, read } from '../span.ts';

describe.each([
  [
    'confident',
    { 'confident.span.type': 'llm', 'confident.llm.model': 'gpt-4o' },
    'confident.span.input',
    'confident.span.output',
  ],
  ['truefoundry', { 'tfy.span_type': 'Model', 'tfy.model.name': 'gpt-4o' }, 'tfy.input', 'tfy.output'],
])('a call of %s', (_name, call, input, output) => {
  const CAR = '{"id":"7","model":"Golf"}';

  it('has no id or model from JSON that was said', () => {
    const reading = read({ ...call, [input]: 'Which car?', [output]: CAR });
    expect(reading).toMatchObject({ model: 'gpt-4o', output: CAR });
    expect(reading.callId).toBeUndefined();
    expect(reading.providerResponse).toBeUndefined();
    expect(reading.metadata).not.toHaveProperty('response_id');
    expect(reading.metadata).not.toHaveProperty('response_model');
  });

  it('has no parameters from JSON that was asked', () => {
    const reading = read({ ...call, [input]: CAR, [output]: 'A car' });
    expect(reading.messages).toEqual([{ role: 'user', content: CAR }]);
    expect(reading.other).toBeUndefined();
    expect(reading.providerRequest).toBeUndefined();
  });

  it('has those of the bodies', () => {
    const asked = { model: 'o', top_k: 3, messages: [{ role: 'user', content: 'Hi' }] };
    const said = { id: 'c-1', model: 'o-1', choices: [{ message: { role: 'assistant', content: 'Ho' } }] };
    const reading = read({ ...call, [input]: JSON.stringify(asked), [output]: JSON.stringify(said) });
    expect(reading).toMatchObject({ callId: 'c-1', output: 'Ho', other: { top_k: 3 } });
    expect(reading.metadata).toMatchObject({ response_id: 'c-1', response_model: 'o-1' });
  });
});

it.each([
  ['tools/call', 'tool'],
  [undefined, 'tool'],
  ['tools/list', undefined],
  ['initialize', undefined],
  ['ping', undefined],
])('a request of MCP through the gateway: %s', (method, kind) => {
  expect(kindOf({ 'tfy.span_type': 'MCP', ...(method && { 'tfy.mcp_server.method': method }) })).toBe(kind);
});

it.each([
  ['agent', { 'traceloop.span.kind': 'agent', 'traceloop.entity.name': 'planner' }],
  ['agent', { agent_name: 'planner', 'logfire.msg': 'planner run', model_name: 'gpt-4o' }, 'pydantic-ai'],
  ['model', { 'llm.request.type': 'chat', 'gen_ai.request.model': 'gpt-4o' }],
] as const)(
  'attributes of Confident AI on a span of another vocabulary leave it what it is: %s',
  (kind, span, scope?) => {
    const attributes = { ...span, 'confident.span.input': 'Hi', 'confident.span.output': 'Ho' };
    expect(kindOf(attributes, scope && { scope })).toBe(kind);
    expect(read(attributes, scope && { scope }).output).toBe('Ho');
  },
);

it.each([
  ["the type that HoneyHive's processor writes on any span", { honeyhive_event_type: 'tool', 'http.method': 'GET' }],
  ["a type and an entity that are an app's own", { 'span.type': 'inference', 'entity.1.type': 'order' }],
  ["a component of an app that is not Eino's", { 'runinfo.component': 'Tool', 'gen_ai.system': 'openai' }],
] as const)('%s: no log', (_title, attributes) => {
  expect(kindOf(attributes)).toBeUndefined();
});

it.each([
  ['Monocle', '{"assistant": "{\\"user\\": \\"Ann\\"}"}', '{"user": "Ann"}'],
  ['Monocle, without its role', '{"user": "Ann"}', '{"user": "Ann"}'],
])('JSON that the model wrote stays whole: %s', (_title, response, output) => {
  const events = [{ name: 'data.output', attributes: { response }, time: [1, 0] as [number, number] }];
  expect(read({ 'span.type': 'inference', 'entity.1.type': 'inference.openai' }, { events }).output).toBe(output);
});
