/**
 * OpenAI's Codex in the terminal: a span for each turn, with its model and the sum of its tokens, and one for each answer of the
 * model that ended, which has the tokens of that call. What was said is in none of them.
 */
import type { SpanSlice } from '../../otel/span-slice.ts';
import { readError } from '../content/read-error.ts';
import { modelNameOf } from '../content/request-parameters.ts';
import { IN_BODY, ownUsage, UsageTable, usageDetails, usageSums } from '../content/usage.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import { wordOf } from '../values/attributes.ts';
import type { SpanFields } from '../values/span-fields.ts';

const TURN = 'session_task.turn';
const TURN_TOKENS = 'codex.turn.token_usage.total_tokens';
const CALL_TOKENS = 'codex.usage.total_tokens';

export const codex: Convention = {
  name: 'codex',
  title: 'Codex',
  signs: { keys: [TURN_TOKENS, CALL_TOKENS], names: [TURN] },
  covers: ['gen-ai'],

  classify({ name, attributes }: SpanSlice): SpanKind | undefined {
    if (attributes[CALL_TOKENS] !== undefined) return 'model';
    // A turn that failed has no tokens.
    const isTurn = attributes[TURN_TOKENS] !== undefined || (name === TURN && attributes['turn.id'] !== undefined);
    return isTurn ? 'agent' : undefined;
  },

  read(_span: SpanSlice, kind: SpanKind, fields: SpanFields): Reading {
    return kind === 'model' ? readCall(fields) : readTurn(fields);
  },
};

const CALL_USAGE = new UsageTable(
  {
    promptTokens: ['gen_ai.usage.input_tokens'],
    outputTokens: ['gen_ai.usage.output_tokens'],
    total_tokens: [CALL_TOKENS],
    cache_read_tokens: ['gen_ai.usage.cache_read.input_tokens'],
    cache_write_tokens: ['gen_ai.usage.cache_write.input_tokens'],
    reasoning_tokens: ['codex.usage.reasoning_output_tokens'],
  },
  IN_BODY,
);

function readCall(fields: SpanFields): Reading {
  const { attributes } = fields;
  const usage = CALL_USAGE.read(attributes, fields.keys);
  return {
    model: modelNameOf(attributes['gen_ai.response.model'] ?? attributes['gen_ai.request.model']),
    provider: fields.firstName('gen_ai.provider.name', 'gen_ai.system') ?? 'openai',
    endpoint: 'chat',
    ...ownUsage(usage),
    other: { reasoning_effort: wordOf(attributes['codex.request.reasoning_effort']) },
    error: readError(fields.span),
    metadata: usageDetails(usage),
  };
}

const TURN_USAGE = new UsageTable(
  {
    promptTokens: ['codex.turn.token_usage.input_tokens'],
    outputTokens: ['codex.turn.token_usage.output_tokens'],
    total_tokens: [TURN_TOKENS],
    cache_read_tokens: ['codex.turn.token_usage.cached_input_tokens'],
    reasoning_tokens: ['codex.turn.token_usage.reasoning_output_tokens'],
  },
  IN_BODY,
);

function readTurn(fields: SpanFields): Reading {
  const { attributes, keys, span } = fields;
  return {
    name: 'Codex',
    model: modelNameOf(attributes['model']),
    provider: 'openai',
    error: readError(span),
    metadata: {
      ...usageSums(TURN_USAGE.read(attributes, keys)),
      thread_id: fields.firstName('thread.id'),
      turn_id: fields.firstName('turn.id'),
    },
  };
}
