/**
 * OpenTelemetry's GenAI semantic conventions, from 1.27 to the unreleased repository, and what many instrumentations
 * write under the same names.
 *
 * Content is in attributes (JSON or, with SDK 3, structured), in span events, or in log records that were joined to the
 * span as events: `events.ts`.
 */
import { type Attributes, type SpanSlice, STATUS_ERROR } from '../../../otel/span-slice.ts';
import { toFinishReason } from '../../content/finish-reason.ts';
import { inputsOf } from '../../content/inputs.ts';
import { isLostAnswer } from '../../content/messages.ts';
import { readError } from '../../content/read-error.ts';
import type { Convention, Reading, SpanKind } from '../../convention.ts';
import { type Damage, firstString, put, stringOf, unlessEmpty } from '../../values/attributes.ts';
import { damageMetadata } from '../../values/damage.ts';
import { toOptionalText } from '../../values/plain-json.ts';
import { readGenAiContent } from './content.ts';
import { readGenAiParameters } from './parameters.ts';
import { readAggregateUsage, readStructure, readUsage } from './usage.ts';

const KINDS: ReadonlyMap<string, SpanKind> = new Map([
  ['chat', 'model'],
  ['chat.completions', 'model'],
  ['text_completion', 'model'],
  ['text.completions', 'model'],
  ['generate_content', 'model'],
  ['completion', 'model'],
  ['acompletion', 'model'],
  ['generate', 'model'],
  ['responses', 'model'],
  ['aresponses', 'model'],
  ['messages', 'model'],
  ['execute_tool', 'tool'],
  ['invoke_agent', 'agent'],
  ['create_agent', 'agent'],
  ['agent_step', 'plumbing'],
  ['model_step', 'plumbing'],
  ['model_inference', 'plumbing'],
  ['model_chunk', 'plumbing'],
  ['workflow_step', 'plumbing'],
  ['execute_agent_loop_cycle', 'plumbing'],
]);

export const genAi: Convention = {
  name: 'gen-ai',
  signs: { keys: ['gen_ai.operation.name', 'gen_ai.request.model', 'gen_ai.tool.name'] },

  classify(span: SpanSlice): SpanKind | undefined {
    const { attributes } = span;
    const operation = attributes['gen_ai.operation.name'];
    // Generic: embeddings, retrieval, rerank, memory, workflows, and operations of later versions.
    if (typeof operation === 'string' && operation !== '') return KINDS.get(operation) ?? 'generic';
    const model = attributes['gen_ai.request.model'];
    if (model !== undefined) {
      if (!looksLikeCall(span)) return undefined;
      return typeof model === 'string' && /embed/i.test(model) ? 'generic' : 'model';
    }
    return attributes['gen_ai.tool.name'] !== undefined ? 'tool' : undefined;
  },

  read(span: SpanSlice): Reading {
    const kind = genAi.classify(span) ?? 'generic';
    const { attributes } = span;
    const damage: Damage = new Set();
    const reading: Reading = {};
    const metadata: Record<string, unknown> = {};
    readGenAiParameters(attributes, kind, damage, reading);
    if (kind === 'tool') readToolCall(attributes, damage, reading);
    else readGenAiContent(span, kind, damage, reading);
    readStructure(span, metadata);
    if (kind === 'model' || kind === 'generic') readUsage(span, reading, metadata);
    else readAggregateUsage(span, metadata);
    put(reading, 'callId', stringOf(attributes['gen_ai.response.id']));
    put(reading, 'name', readName(span, kind));
    put(reading, 'description', firstString(attributes, 'gen_ai.tool.description', 'gen_ai.agent.description'));
    if (kind !== 'tool') {
      const finishReason =
        toFinishReason(attributes['gen_ai.response.finish_reasons']) ??
        toFinishReason(attributes['gen_ai.response.finish_reason']);
      put(reading, 'finishReason', finishReason);
    }
    if (isLostAnswer(reading.outputMessage, reading.finishReason, reading.outputTokens) || isLostItem(reading)) {
      delete reading.outputMessage;
      delete reading.output;
    }
    put(reading, 'error', readError(span, { finishReason: reading.finishReason }));
    put(metadata, 'truncated', damageMetadata(damage).truncated);
    put(reading, 'metadata', unlessEmpty(metadata));
    return reading;
  },
};

/** OpenLLMetry writes `""` and `stop` for everything other than text from the Responses API: tool calls, refusals. */
function isLostItem({ output, outputMessage, callId, outputTokens = 0 }: Reading): boolean {
  return output === '' && !outputMessage?.tool_calls && callId?.startsWith('resp_') === true && outputTokens > 0;
}

/** A model name alone may be inherited from a parent; a call also has usage, content or a provider, or has failed. */
function looksLikeCall(span: SpanSlice): boolean {
  const { attributes } = span;
  return (
    attributes['gen_ai.system'] !== undefined ||
    attributes['gen_ai.provider.name'] !== undefined ||
    attributes['gen_ai.usage.input_tokens'] !== undefined ||
    attributes['gen_ai.usage.output_tokens'] !== undefined ||
    attributes['gen_ai.usage.prompt_tokens'] !== undefined ||
    attributes['gen_ai.input.messages'] !== undefined ||
    attributes['gen_ai.output.messages'] !== undefined ||
    attributes['gen_ai.prompt'] !== undefined ||
    attributes['gen_ai.prompt.0.content'] !== undefined ||
    span.status.code === STATUS_ERROR
  );
}

function readToolCall(attributes: Attributes, damage: Damage, into: Reading): void {
  const key = ARGUMENT_KEYS.find((name) => attributes[name] !== undefined);
  if (key) put(into, 'inputs', inputsOf(attributes[key], damage, key));
  put(into, 'output', toOptionalText(attributes['gen_ai.tool.call.result'] ?? attributes['gen_ai.tool.output']));
}

const ARGUMENT_KEYS = ['gen_ai.tool.call.arguments', 'gen_ai.tool.input', 'gen_ai.tool.args'] as const;

function readName(span: SpanSlice, kind: SpanKind | undefined): string | undefined {
  const { attributes } = span;
  switch (kind) {
    case 'tool':
      return stringOf(attributes['gen_ai.tool.name']) ?? afterPrefix(span.name, 'execute_tool ');
    case 'agent':
      return stringOf(attributes['gen_ai.agent.name']);
    case 'generic':
      return firstString(attributes, 'gen_ai.workflow.name', 'gen_ai.agent.name', 'gen_ai.data_source.id');
    default:
      return undefined;
  }
}

function afterPrefix(name: string, prefix: string): string | undefined {
  return name.startsWith(prefix) ? stringOf(name.slice(prefix.length)) : undefined;
}
