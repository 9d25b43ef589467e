/**
 * Vercel AI SDK: `ai.*` of versions 3 to 6 and of version 7's legacy mode, and the SDK's own attributes in the
 * `gen_ai.*` mode of version 7.
 *
 * `ai.generateText` and similar spans are the app's view of a run: the prompt as it was passed, the final answer,
 * summed usage. Each provider call below is an inner span (`….doGenerate`, `….doStream`), one per step and retry; tool
 * calls are `ai.toolCall`. An aborted stream ends only its outer span, which therefore has to be complete by itself.
 */
import { type SpanSlice, scopeOf } from '../../../otel/span-slice.ts';
import { toFinishReason } from '../../content/messages/finish-reason.ts';
import { readError } from '../../content/read-error.ts';
import { ownUsage, usageDetails, usageSums } from '../../content/usage.ts';
import type { Convention, Reading, SpanKind } from '../../convention.ts';
import type { ShortReading } from '../../short-way.ts';
import { addTo } from '../../values/attributes.ts';
import type { SpanFields } from '../../values/span-fields.ts';
import { readGenAiShort } from '../gen-ai/short-way.ts';
import { readConversation, readRun, readToolCall, readValues } from './messages.ts';
import { readAppAttributes, readParameters } from './parameters.ts';
import { readVercelAiShort } from './short-way.ts';
import { hasEntries, readProviderMetadata, readResponseMetadata, readUsage } from './usage.ts';

/** Span names: `ai.streamText`, `ai.streamText.doStream`, `ai.toolCall`. */
const SPAN_NAME = /^ai\.(?:toolCall|(?:generate|stream|embed|rerank|transcribe)\w*)(?:\.do[A-Z]\w*)?$/;

const GEN_AI_SCOPE = 'gen_ai';

/** Operations of the `gen_ai.*` mode. Others of its scope (`rerank`, `ai.generateSpeech`) are generic. */
const GEN_AI_KINDS: ReadonlyMap<string, SpanKind> = new Map([
  ['chat', 'model'],
  ['execute_tool', 'tool'],
  ['invoke_agent', 'agent'],
]);

export const vercelAi: Convention = {
  name: 'vercel-ai',
  title: 'Vercel AI SDK 3 to 7',
  packages: ['ai'],
  context: {
    session: [
      'ai.telemetry.metadata.sessionId',
      'ai.telemetry.metadata.conversationId',
      'ai.telemetry.metadata.chatId',
      'ai.telemetry.metadata.threadId',
      'ai.telemetry.metadata.session_id',
      'ai.telemetry.metadata.conversation_id',
      'ai.telemetry.metadata.thread_id',
      'ai.settings.context.sessionId',
      'ai.settings.context.conversationId',
      'ai.settings.context.chatId',
      'ai.settings.context.threadId',
      'ai.settings.context.session_id',
    ],
    user: ['ai.telemetry.metadata.userId', 'ai.telemetry.metadata.user_id', 'ai.settings.context.userId'],
  },
  signs: {
    keys: ['ai.operationId', 'operation.name', 'gen_ai.operation.name'],
    scopes: [GEN_AI_SCOPE],
    names: ['ai.'],
  },

  classify(span: SpanSlice): SpanKind | undefined {
    const operation = operationOf(span);
    if (operation !== undefined) return kindOf(operation);
    const genAi = span.attributes['gen_ai.operation.name'];
    if (genAi === 'agent_step') return 'plumbing';
    if (scopeOf(span).name !== GEN_AI_SCOPE || typeof genAi !== 'string') return undefined;
    return GEN_AI_KINDS.get(genAi) ?? 'generic';
  },

  read(span: SpanSlice, kind: SpanKind, fields: SpanFields): Reading {
    const operation = operationOf(span) ?? '';
    const provider = readProviderMetadata(fields);
    const { settings, context } = readAppAttributes(fields);
    const reading = readContent(fields, settings, kind, operation);
    const usage = readUsage(fields, provider);
    const isOwn = !isWrapper(kind, operation);
    if (isOwn && kind !== 'tool' && kind !== 'plumbing') addTo(reading, ownUsage(usage));
    reading.callId = fields.firstName('gen_ai.response.id', 'ai.response.id');
    reading.finishReason = readFinishReason(fields);
    reading.error = readError(span, { finishReason: reading.finishReason });
    reading.metadata = {
      ...reading.metadata,
      function_id: fields.string('ai.telemetry.functionId'),
      tool_call_id: fields.string('ai.toolCall.id'),
      ...readResponseMetadata(fields, provider),
    };
    addTo(reading.metadata, isOwn ? usageDetails(usage) : usageSums(usage));
    addTo(context, reading.contentMetadata);
    if (provider && hasEntries(provider)) context['provider_metadata'] = provider;
    reading.contentMetadata = context;
    return reading;
  },

  shortWay: { read: readCallShort, includes: ['gen-ai'] },
};

function readCallShort(span: SpanSlice, kind: string): ShortReading | undefined {
  const operation = operationOf(span);
  if (operation !== undefined) return readVercelAiShort(span, kind, operation);
  // The `gen_ai.*` mode of version 7, but for runs: these list the calls of their steps.
  const reading = kind === 'agent' ? undefined : readGenAiShort(span, kind, 'vercel-ai');
  return reading?.provider?.endsWith('.completion') ? undefined : reading;
}

/** Returns `ai.generateText.doGenerate`, without the function id that the app may append. */
function operationOf(span: SpanSlice): string | undefined {
  const id = span.attributes['ai.operationId'];
  if (typeof id === 'string' && id.startsWith('ai.')) return id;
  const name = span.attributes['operation.name'];
  if (typeof name === 'string' && name.startsWith('ai.')) return name.split(' ', 1)[0];
  return SPAN_NAME.test(span.name) ? span.name : undefined;
}

function kindOf(operation: string): SpanKind {
  if (operation === 'ai.toolCall') return 'tool';
  if (/\.do(Generate|Stream)$/.test(operation)) return 'model';
  // The agents of versions 6 and 7 run as `ai.generateText`, `ai.streamText`, or `ai.workflowAgent.stream`.
  return /^ai\.((generate|stream)(Text|Object)|\w*[aA]gent(\.\w+)?)$/.test(operation) ? 'agent' : 'generic';
}

function readContent(
  fields: SpanFields,
  settings: Record<string, unknown>,
  kind: SpanKind,
  operation: string,
): Reading {
  if (kind === 'tool') return readToolCall(fields);
  if (kind === 'plumbing') return {};
  const reading = readParameters(fields, settings, operation);
  if (kind === 'model') {
    reading.endpoint = isCompletion(fields) ? 'complete' : 'chat';
    return addTo(reading, readConversation(fields));
  }
  if (kind !== 'agent') return addTo(reading, readValues(fields));
  // The function id is the app's only name for a run.
  reading.name = fields.firstString('gen_ai.agent.name', 'ai.telemetry.functionId', 'resource.name');
  return addTo(reading, readRun(fields));
}

/** Providers of OpenAI's legacy completion API: `openai.completion`, `azure.completion`. */
function isCompletion(fields: SpanFields): boolean {
  return fields.firstString('ai.model.provider', 'gen_ai.system')?.endsWith('.completion') === true;
}

/** Whether the usage is a sum: `ai.embed` sums up what its `ai.embed.doEmbed` spans report. Speech has no span below. */
function isWrapper(kind: SpanKind, operation: string): boolean {
  return kind === 'agent' || (/^ai\.\w+$/.test(operation) && !/(Speech|ranscribe)$/.test(operation));
}

function readFinishReason({ attributes }: SpanFields): string | undefined {
  return toFinishReason(
    attributes['ai.response.finishReason'] ??
      attributes['gen_ai.response.finish_reasons'] ??
      attributes['ai.finishReason'] ??
      attributes['gen_ai.finishReason'],
  );
}
