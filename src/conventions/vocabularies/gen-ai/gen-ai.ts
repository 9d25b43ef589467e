/**
 * OpenTelemetry's GenAI semantic conventions, from 1.27 to the unreleased repository, and what many instrumentations
 * write under the same names.
 *
 * Content is in attributes (JSON or, with SDK 3, structured), in span events, or in log records that were joined to the
 * span as events: `events.ts`.
 */
import { type Attributes, type SpanSlice, STATUS_ERROR } from '../../../otel/span-slice.ts';
import { toFinishReason } from '../../content/messages/finish-reason.ts';
import { isLostAnswer } from '../../content/messages/messages.ts';
import { readError } from '../../content/read-error.ts';
import { ownUsage, type Usage, usageDetails, usageSums } from '../../content/usage.ts';
import type { Convention, Reading, SpanKind } from '../../convention.ts';
import { STEPS } from '../../steps.ts';
import { addTo, stringOf } from '../../values/attributes.ts';
import { constantOf } from '../../values/printed/enum-member.ts';
import type { SpanFields } from '../../values/span-fields.ts';
import { FINISH_REASONS, readGenAiContent, reportedFinishReason } from './content.ts';
import { GUARDRAIL_NAMES, readGuardrail } from './guardrail.ts';
import { fillInFromBody, readGenAiParameters } from './parameters.ts';
import { isRealtime, isSentMessage } from './realtime.ts';
import { readGenAiShort } from './short-way.ts';
import { readToolCall } from './tool-call.ts';
import { readGenAiUsage, readStructure } from './usage.ts';

const KINDS: ReadonlyMap<string, SpanKind> = new Map([
  ['chat', 'model'],
  ['chat.completions', 'model'],
  ['text_completion', 'model'],
  ['text.completions', 'model'],
  ['generate_content', 'model'],
  ['completion', 'model'],
  ['acompletion', 'model'],
  ['generate', 'model'],
  ['call_llm', 'model'],
  ['responses', 'model'],
  ['response', 'model'],
  ['aresponses', 'model'],
  ['messages', 'model'],
  // LiteLLM's types of calls, which begin with an `a` where they are asynchronous.
  ['anthropic_messages', 'model'],
  ['atext_completion', 'model'],
  ['agenerate_content', 'model'],
  ['generate_content_stream', 'model'],
  ['agenerate_content_stream', 'model'],
  ['call_mcp_tool', 'tool'],
  ['realtime_inference', 'model'],
  ['generate_live_content', 'model'],
  ['chat_completion', 'model'],
  ['chat_completions', 'model'],
  ['chat.completion', 'model'],
  ['llm', 'model'],
  // Gemini CLI.
  ['llm_call', 'model'],
  // Pipecat's of models that speak.
  ['llm_response', 'model'],
  ['execute_tool', 'tool'],
  ['tool_call', 'tool'],
  ['tool', 'tool'],
  ['llm_tool_result', 'tool'],
  ['invoke_agent', 'agent'],
  ['create_agent', 'agent'],
  ['agent_call', 'agent'],
  ['workflow_step', 'plumbing'],
  // A round of an agent, in Alibaba's instrumentations.
  ['react', 'plumbing'],
]);

/** What OpenLLMetry calls every other model on Bedrock, and Gemini CLI every request. */
const VAGUE: ReadonlySet<string> = new Set(['text_completion', 'llm_call']);

/**
 * Generic operations that call no model themselves. Tokens on them are those of the calls below, which have logs of their
 * own, or of a call that was made before.
 */
const NO_CALLS: ReadonlySet<unknown> = new Set([
  'invoke_workflow',
  'workflow',
  'handle_conversation_turn',
  'plan',
  'fetch_response',
  // AG2's chats between agents.
  ...['conversation', 'initiate_chats', 'speaker_selection', 'await_human_input', 'execute_code'],
]);

const CONTENT = [
  'gen_ai.completion',
  'gen_ai.output.messages',
  'gen_ai.input.messages',
  'gen_ai.prompt',
  'gen_ai.completion_json',
  'gen_ai.prompt_json',
] as const;

const ANSWER = ['gen_ai.response.model', 'gen_ai.response.id', FINISH_REASONS] as const;

/** What inference servers (vLLM, SGLang) write beside the tokens of a request, whose content they do not report. */
const SERVED = ['gen_ai.response.model', 'gen_ai.request.id'] as const;

/** Content under other names than those of the conventions. */
const SAID = ['gen_ai.request.messages', 'gen_ai.response.text', 'gen_ai.response.tool_calls'] as const;

const TOKENS = [
  'gen_ai.usage.input_tokens',
  'gen_ai.usage.output_tokens',
  'gen_ai.usage.prompt_tokens',
  'gen_ai.usage.completion_tokens',
] as const;
/** Bridges of OpenAI's agents say no more of a call of the Responses API than the names of its answer. */
const ANSWERED = [...TOKENS, 'gen_ai.response.id'] as const;

/** The name of Google's spans for Python around a function that is a tool, in their first releases. */
const FUNCTION_CALL = 'tool_call ';
/** How the conventions name the spans of tools and agents, which tells what a span without an operation is. */
const TOOL_NAME = 'execute_tool ';
const AGENT_NAME = 'invoke_agent ';

const TOOL_CALL = ['gen_ai.tool.call.id', 'gen_ai.tool.call.arguments', 'gen_ai.tool.call.result'] as const;
const AGENT = ['gen_ai.agent.name', 'gen_ai.agent.id'] as const;

export const genAi: Convention = {
  name: 'gen-ai',
  title: 'OpenTelemetry GenAI 1.27 to 1.42, and its drafts of 2026',
  packages: ['@opentelemetry/instrumentation-openai', '@opentelemetry/instrumentation-aws-sdk'],
  context: {
    session: ['gen_ai.session.id', 'gen_ai.thread.id'],
    user: ['gen_ai.request.user', 'gen_ai.user.id', 'session.user'],
  },
  signs: {
    keys: ['gen_ai.operation.name', 'gen_ai.request.model', 'gen_ai.tool.name', ...CONTENT, ...SERVED],
    names: [FUNCTION_CALL, TOOL_NAME, AGENT_NAME],
  },

  classify(span: SpanSlice): SpanKind | undefined {
    const { attributes } = span;
    const operation = attributes['gen_ai.operation.name'];
    // Generic: embeddings, retrieval, rerank, memory, workflows, plans, turns, and operations of later versions.
    if (typeof operation === 'string' && operation !== '') {
      // OpenLLMetry's turns of a session by voice. Its sounds have no model.
      if (isSentMessage(span)) return 'generic';
      if (operation === 'realtime') return attributes['gen_ai.request.model'] === undefined ? 'generic' : 'model';
      if (VAGUE.has(operation) && isEmbedding(attributes['gen_ai.request.model'])) return 'generic';
      return STEPS.has(operation)
        ? 'plumbing'
        : (KINDS.get(operation) ?? KINDS.get(constantOf(operation)) ?? 'generic');
    }
    const model = attributes['gen_ai.request.model'];
    if (model !== undefined) {
      if (!looksLikeCall(span)) return undefined;
      return isEmbedding(model) ? 'generic' : 'model';
    }
    if (attributes['gen_ai.tool.name'] !== undefined || isFunctionCall(span)) return 'tool';
    const named = kindByName(span);
    if (named) return named;
    if (hasAnyOf(attributes, CONTENT)) return kindByAnswer(attributes);
    const isServed = hasAnyOf(attributes, SERVED) && attributes['gen_ai.agent.name'] === undefined;
    return isServed && hasAnyOf(attributes, ANSWERED) ? 'model' : undefined;
  },

  read(span: SpanSlice, kind: SpanKind, fields: SpanFields): Reading {
    const reading = readGenAiParameters(fields, kind);
    addTo(reading, kind === 'tool' ? readToolCall(fields) : readGenAiContent(fields, kind));
    if (kind === 'model') fillInFromBody(reading, fields);
    const usage = readGenAiUsage(fields);
    const ownsUsage = isCall(fields, kind);
    if (ownsUsage) addTo(reading, callUsage(usage));
    reading.callId = fields.firstName('gen_ai.response.id');
    reading.name = readName(fields, kind);
    reading.description = fields.firstString(
      'gen_ai.tool.description',
      'gen_ai.skill.description',
      'gen_ai.agent.description',
    );
    if (kind !== 'tool') reading.finishReason = readFinishReason(fields, reading);
    if (isLostAnswer(reading.outputMessage, reading.finishReason, reading.outputTokens) || isLostItem(reading)) {
      reading.outputMessage = undefined;
      reading.output = undefined;
    }
    reading.error = readError(span, { finishReason: reading.finishReason });
    reading.metadata = addTo(readStructure(fields), ownsUsage ? usageDetails(usage) : usageSums(usage));
    omitOwnName(reading.metadata, reading.name);
    return kind === 'generic' ? withGuardrail(reading, readGuardrail(fields)) : reading;
  },

  shortWay: { read: (span, kind) => readGenAiShort(span, kind, 'gen-ai') },
};

function withGuardrail(reading: Reading, { metadata, contentMetadata, inputs, output }: Reading): Reading {
  addTo(reading.metadata ?? {}, metadata);
  return addTo(reading, {
    inputs: reading.inputs ?? inputs,
    output: reading.output ?? output,
    contentMetadata: contentMetadata && { ...reading.contentMetadata, ...contentMetadata },
  });
}

function isFunctionCall({ name, attributes }: SpanSlice): boolean {
  return attributes['code.function.name'] !== undefined && typeof name === 'string' && name.startsWith(FUNCTION_CALL);
}

function kindByName({ name, attributes }: SpanSlice): SpanKind | undefined {
  if (typeof name !== 'string') return undefined;
  if (name.startsWith(TOOL_NAME) && hasAnyOf(attributes, TOOL_CALL)) return 'tool';
  return name.startsWith(AGENT_NAME) && hasAnyOf(attributes, AGENT) ? 'agent' : undefined;
}

/** The tokens of agents, tools and workflows are sums over the calls below, which have logs of their own. */
function isCall({ attributes }: SpanFields, kind: SpanKind): boolean {
  return kind === 'model' || (kind === 'generic' && !NO_CALLS.has(attributes['gen_ai.operation.name']));
}

/** The metadata names the agent and the workflow that a span belongs to, unless its log has their name. */
function omitOwnName(metadata: Record<string, unknown>, name: string | undefined): void {
  if (metadata['agent_name'] === name) metadata['agent_name'] = undefined;
  if (metadata['workflow_name'] === name) metadata['workflow_name'] = undefined;
}

/** OpenLIT writes 0 and 0 for a stream without usage. */
function callUsage(usage: Usage): Partial<Reading> {
  const isFiller = usage.promptTokens === 0 && usage.outputTokens === 0;
  return ownUsage(isFiller ? { ...usage, promptTokens: undefined, outputTokens: undefined } : usage);
}

/** Each item of an answer may have a reason of its own. Where the app has to run something, it is that. */
function readFinishReason(fields: SpanFields, { finishReason, outputMessage }: Reading): string | undefined {
  const first = reportedFinishReason(fields) ?? finishReason;
  if (first !== 'stop' || !outputMessage?.tool_calls) return first;
  if (isRealtime(fields.span)) return 'tool_calls';
  const reasons = fields.list(FINISH_REASONS);
  return reasons?.some((reason) => toFinishReason(reason) === 'tool_calls') ? 'tool_calls' : first;
}

/** OpenLLMetry writes `""` and `stop` for everything other than text from the Responses API: tool calls, refusals. */
function isLostItem({ output, outputMessage, callId, outputTokens = 0 }: Reading): boolean {
  return output === '' && !outputMessage?.tool_calls && callId?.startsWith('resp_') === true && outputTokens > 0;
}

/** A span with content and no operation is a call if it has what only answers have; an agent only has tokens. */
function kindByAnswer(attributes: Attributes): SpanKind | undefined {
  const model = attributes['gen_ai.response.model'];
  if (isEmbedding(model)) return 'generic';
  if (hasAnyOf(attributes, ANSWER)) return 'model';
  if (!hasAnyOf(attributes, TOKENS)) return undefined;
  return attributes['gen_ai.agent.name'] === undefined ? 'model' : 'agent';
}

function isEmbedding(model: unknown): boolean {
  return typeof model === 'string' && /embed/i.test(model);
}

function hasAnyOf(attributes: Attributes, keys: readonly string[]): boolean {
  return keys.some((key) => attributes[key] !== undefined);
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
    attributes['gen_ai.prompt.0.content'] !== undefined ||
    hasAnyOf(attributes, CONTENT) ||
    hasAnyOf(attributes, SAID) ||
    hasAnyOf(attributes, ANSWER) ||
    span.status.code === STATUS_ERROR ||
    span.events.some(({ name }) => typeof name === 'string' && name.startsWith('gen_ai.'))
  );
}

function readName(fields: SpanFields, kind: SpanKind): string | undefined {
  switch (kind) {
    case 'tool':
      return (
        fields.firstName('gen_ai.tool.name') ??
        afterPrefix(fields.span.name, TOOL_NAME) ??
        afterPrefix(fields.span.name, FUNCTION_CALL)
      );
    case 'agent':
      return fields.firstName('gen_ai.agent.name') ?? afterPrefix(fields.span.name, AGENT_NAME);
    case 'generic':
      return fields.firstName(...GUARDRAIL_NAMES, 'gen_ai.workflow.name', 'gen_ai.agent.name', 'gen_ai.data_source.id');
    default:
      return undefined;
  }
}

function afterPrefix(name: string, prefix: string): string | undefined {
  return name.startsWith(prefix) ? stringOf(name.slice(prefix.length)) : undefined;
}
