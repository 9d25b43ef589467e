/** JSON documents that a model may answer with, and which look somewhat like what a provider answers. */
import fc from 'fast-check';

const reason = fc.constantFrom('stop', 'length', 'tool_calls', 'end_turn', 'It hurts');
const usage = fc.constantFrom<unknown>(
  { prompt_tokens: 50, completion_tokens: 20 },
  { input_tokens: 50, output_tokens: 20 },
  { promptTokenCount: 50 },
  'daily',
  3,
);
const message = fc.constantFrom<unknown>(
  'Hi',
  { role: 'assistant' },
  { role: 'user', content: 'Hi' },
  { text: 'Hi' },
  4,
);
/** What an app lists: an item of an answer has no label, and an answer is no empty list. */
const items = fc.array(
  fc.record(
    { label: fc.constant('a'), message, finish_reason: reason, type: fc.constantFrom('text', 'relay') },
    { requiredKeys: ['label'] },
  ),
  { minLength: 1, maxLength: 2 },
);

/** With an id, a model and counts of tokens it would be a body. */
function isUnnamed({ id, model }: { id?: unknown; model?: unknown }): boolean {
  return id === undefined || model === undefined;
}

/** Objects with some of the fields that providers and frameworks write. */
export const documents = fc
  .record(
    {
      id: fc.constantFrom<unknown>('order-1', 7),
      object: fc.constantFrom('chair', 'chat.completion'),
      model: fc.constantFrom('T3', 'gpt-4o'),
      name: fc.constant('Bob'),
      role: fc.constantFrom('buyer', 'system'),
      status: fc.constantFrom('completed', 'new'),
      finish_reason: reason,
      finishReason: reason,
      stop_reason: reason,
      done_reason: reason,
      response: message,
      answer: message,
      choices: items,
      output: items,
      usage,
      usageMetadata: usage,
      usage_metadata: usage,
      token_usage: usage,
      eval_count: fc.constant(20),
      prompt_eval_count: fc.constant(50),
      meta: usage,
      metadata: fc.record({ finish_reason: reason, usage, id: fc.constant('x') }, { requiredKeys: [] }),
      llm_output: fc.record({ token_usage: usage, model_name: fc.constant('gpt-4o') }, { requiredKeys: [] }),
    },
    { requiredKeys: [] },
  )
  .filter(isUnnamed);
