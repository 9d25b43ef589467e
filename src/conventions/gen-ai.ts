/**
 * OpenTelemetry's GenAI semantic conventions, 1.27 to the unreleased repository, and what many instrumentations write
 * under the same names.
 *
 * Content stands in attributes (JSON or, with SDK 3, structured), in span events, or, for log records, in events that
 * were handed over with the span: `gen-ai-events.ts`.
 */
import { type SpanSlice, STATUS_ERROR } from '../otel.ts';
import { type Damage, defined, firstString, stringOf } from './attributes.ts';
import type { Convention, Reading, SpanKind } from './convention.ts';
import { damageMetadata } from './damage.ts';
import { toFinishReason } from './finish-reason.ts';
import { readGenAiContent } from './gen-ai-content.ts';
import { readGenAiParameters } from './gen-ai-parameters.ts';
import { readStructure, readUsage } from './gen-ai-usage.ts';
import { inputsOf } from './inputs.ts';
import { isLostAnswer } from './messages.ts';
import { jsonOrText } from './plain-json.ts';
import { readError } from './read-error.ts';

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

  classify(span: SpanSlice): SpanKind | undefined {
    const { attributes } = span;
    const operation = attributes['gen_ai.operation.name'];
    // Embeddings, retrieval, rerank, memory, workflows, and operations that are yet to come.
    if (typeof operation === 'string' && operation !== '') return KINDS.get(operation) ?? 'generic';
    const model = attributes['gen_ai.request.model'];
    if (model !== undefined) {
      if (!looksLikeCall(span)) return undefined;
      return typeof model === 'string' && /embed/i.test(model) ? 'generic' : 'model';
    }
    return attributes['gen_ai.tool.name'] !== undefined ? 'tool' : undefined;
  },

  read(span: SpanSlice): Reading {
    const kind = genAi.classify(span);
    const { attributes } = span;
    const damage: Damage = new Set();
    const content = kind === 'tool' ? readTool(span, damage) : readGenAiContent(span, kind ?? 'generic', damage);
    const finishReason =
      toFinishReason(attributes['gen_ai.response.finish_reasons']) ??
      toFinishReason(attributes['gen_ai.response.finish_reason']) ??
      content.finishReason;
    const usage = readUsage(span);
    if (isLostAnswer(content.outputMessage, finishReason, usage.own.outputTokens)) {
      delete content.outputMessage;
      delete content.output;
    }
    const isCall = kind === 'model' || kind === 'generic';
    return defined<Reading>({
      ...readGenAiParameters(attributes, kind ?? 'generic', damage),
      ...content,
      ...(isCall ? usage.own : undefined),
      callId: stringOf(attributes['gen_ai.response.id']),
      name: readName(span, kind),
      description: firstString(attributes, 'gen_ai.tool.description', 'gen_ai.agent.description'),
      finishReason: kind === 'tool' ? undefined : finishReason,
      error: readError(span, finishReason === undefined ? {} : { finishReason }),
      metadata: defined<Record<string, unknown>>({
        ...readStructure(span),
        ...(isCall ? usage.details : { usage: usage.aggregate }),
        ...damageMetadata(damage),
      }),
    });
  },
};

/** A model name alone may be inherited; a call has usage, content, a provider, or has failed. */
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

function readTool(span: SpanSlice, damage: Damage): Reading {
  const { attributes } = span;
  const argumentsKey =
    attributes['gen_ai.tool.call.arguments'] !== undefined
      ? 'gen_ai.tool.call.arguments'
      : attributes['gen_ai.tool.input'] !== undefined
        ? 'gen_ai.tool.input'
        : 'gen_ai.tool.args';
  return defined<Reading>({
    inputs: inputsOf(attributes[argumentsKey], damage, argumentsKey),
    output: jsonOrText(attributes['gen_ai.tool.call.result'] ?? attributes['gen_ai.tool.output']),
  });
}

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
