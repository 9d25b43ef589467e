/**
 * Google's Agent Development Kit: request and response as JSON in `gcp.vertex.agent.*`, set when the model has
 * answered.
 *
 * A failed call is a `call_llm` span that ends without any attributes, and a tool that throws is such an `execute_tool`
 * span. If an agent hands over to another one, the calls of the second are below the call that asked for it.
 */
import { type SpanSlice, scopeOf } from '../../otel/span-slice.ts';
import { messageText } from '../../wire/message-text.ts';
import { inputsAt, inputsOf } from '../content/inputs.ts';
import { finishReasonAt, toGooglesFinishReason } from '../content/messages/finish-reason.ts';
import { MessageReader, metadataOfMessages } from '../content/messages/messages.ts';
import { readRequest, structuredOf, toStepOutput } from '../content/provider-bodies.ts';
import { readError } from '../content/read-error.ts';
import { IN_BODY, ownUsage, UsageTable, usageDetails } from '../content/usage.ts';
import type { Convention, ReadError, Reading, SpanKind } from '../convention.ts';
import { addTo, nameOf, objectOf, stringOf } from '../values/attributes.ts';
import { toPlainObject } from '../values/json/plain-json.ts';
import type { SpanFields } from '../values/span-fields.ts';
import { usageObjectOf } from '../values/usage-object.ts';
import { genAi } from './gen-ai/gen-ai.ts';
import { readGenAiUsage } from './gen-ai/usage.ts';

type Fields = Record<string, unknown>;

const SCOPE = 'gcp.vertex.agent';
const REQUEST = 'gcp.vertex.agent.llm_request';
const RESPONSE = 'gcp.vertex.agent.llm_response';
const TOOL_INPUT = 'gcp.vertex.agent.tool_call_args';
const TOOL_OUTPUT = 'gcp.vertex.agent.tool_response';

/** Values that stand for hidden or absent content. */
const NOTHING: readonly unknown[] = ['{}', 'N/A', '<not serializable>', '{"result":"<not specified>"}'];

/** Fields of a Gemini config that are not parameters. Headers may contain keys. */
const TRANSPORT = ['httpOptions', 'http_options', 'labels', 'abortSignal'] as const;

export const googleAdk: Convention = {
  name: 'google-adk',
  title: 'Google ADK',
  packages: ['@google/adk'],
  context: { session: ['gcp.vertex.agent.session_id'] },
  signs: { keys: ['gen_ai.system'], scopes: [SCOPE] },

  classify(span: SpanSlice): SpanKind | undefined {
    const { attributes, name } = span;
    if (scopeOf(span).name !== SCOPE && attributes['gen_ai.system'] !== SCOPE) return undefined;
    if (name === 'call_llm') return 'model';
    // Repeats the results of tools that ran in parallel, for the kit's own viewer.
    if (attributes['gen_ai.tool.name'] === '(merged tools)' || name.endsWith('(merged tools)')) return 'plumbing';
    const kind = genAi.classify(span);
    if (kind !== undefined) return kind;
    if (name.startsWith('execute_tool')) return 'tool';
    return name.startsWith('invoke_agent') || name.startsWith('agent_run') ? 'agent' : 'generic';
  },

  read(_span: SpanSlice, kind: SpanKind, fields: SpanFields): Reading {
    const reading = kind === 'model' ? readModelCall(fields) : kind === 'tool' ? readToolCall(fields) : readRun(fields);
    reading.metadata = {
      invocation_id: fields.string('gcp.vertex.agent.invocation_id'),
      event_id: fields.string('gcp.vertex.agent.event_id'),
      // So the kit for Java spells it.
      tool_call_id: callIdOf(fields.string('gen_ai.tool_call.id')),
      ...reading.metadata,
    };
    return reading;
  },
};

const USAGE = new UsageTable(
  {
    promptTokens: ['promptTokenCount', 'prompt_token_count'],
    outputTokens: ['candidatesTokenCount', 'candidates_token_count'],
    total_tokens: ['totalTokenCount', 'total_token_count'],
    cache_read_tokens: ['cachedContentTokenCount', 'cached_content_token_count'],
    reasoning_tokens: ['thoughtsTokenCount', 'thoughts_token_count'],
  },
  IN_BODY,
);

function readModelCall(fields: SpanFields): Reading {
  const request = bodyAt(fields, REQUEST);
  const response = bodyAt(fields, RESPONSE);
  const config = objectOf(request?.['config']) ?? {};
  const reader = new MessageReader();
  const system = config['systemInstruction'] ?? config['system_instruction'];
  const messages = [
    ...(system === undefined ? [] : reader.readSystem(systemPartsOf(system))),
    ...(request === undefined ? [] : reader.read({ contents: request['contents'] })),
  ];
  const answer = response?.['content'];
  const [outputMessage] = answer === undefined || answer === null ? [] : reader.readOutput(answer);
  const usage = addTo(
    USAGE.read(usageObjectOf(response?.['usageMetadata'] ?? response?.['usage_metadata'])),
    // The kit counts thoughts and what its tools used, too: its own sums are those of the SDK's span below.
    readGenAiUsage(fields),
  );
  const reported = response?.['finishReason'] ?? response?.['finish_reason'];
  const parameters = withoutTransport(config);
  return {
    model: nameOf(request?.['model']),
    endpoint: 'chat',
    messages: messages.length > 0 ? messages : undefined,
    outputMessage,
    output: messageText(outputMessage),
    ...ownUsage(usage),
    finishReason: finishReasonAt(fields, 'gen_ai.response.finish_reasons') ?? toGooglesFinishReason(reported),
    error: readFailure(fields, response),
    metadata: usageDetails(usage),
    contentMetadata: metadataOfMessages(reader),
    providerRequest: request && toPlainObject(addTo({ ...request }, { config: parameters })),
    providerResponse: toPlainObject(response),
    ...readRequest(parameters),
  };
}

function withoutTransport(config: Fields): Fields {
  return Object.fromEntries(Object.entries(config).filter(([key]) => !TRANSPORT.some((name) => name === key)));
}

/** The instructions may be text, a content with parts, or parts. */
function systemPartsOf(system: unknown): unknown {
  // In the JSON of a request, a text is what it says.
  if (typeof system === 'string' && objectOf(system)?.['parts'] === undefined) return [{ text: system }];
  return objectOf(system)?.['parts'] ?? system;
}

function readFailure({ attributes, span }: SpanFields, response: Fields | undefined): ReadError | undefined {
  const code = stringOf(response?.['errorCode'] ?? response?.['error_code']);
  const message = stringOf(response?.['errorMessage'] ?? response?.['error_message']);
  if (code !== undefined || message !== undefined) {
    return readError(span, { failed: true, ...(code && { type: code }), ...(message && { message }) });
  }
  const isSilent = span.ended !== false && attributes['gen_ai.request.model'] === undefined;
  return readError(span, isSilent ? { failed: true, type: 'no response' } : {});
}

function readToolCall(fields: SpanFields): Reading {
  const { attributes, span } = fields;
  const output = attributes[TOOL_OUTPUT];
  const isSilent = span.ended !== false && attributes['gen_ai.tool.name'] === undefined && output === undefined;
  return {
    name: stringOf(attributes['gen_ai.tool.name'] ?? /^execute_tool (.+)/.exec(span.name)?.[1]),
    error: readError(span, isSilent ? { failed: true, type: 'no result' } : {}),
    inputs: attributes[TOOL_INPUT] === 'N/A' ? undefined : inputsAt(fields, TOOL_INPUT),
    output: NOTHING.includes(output) ? undefined : toStepOutput(output),
  };
}

/** Reads agents, workflows and their nodes, the invocation around them, and data sent to a live agent. */
function readRun(fields: SpanFields): Reading {
  const { attributes, span } = fields;
  const data = attributes['gcp.vertex.agent.data'];
  const status = fields.string('adk.node.status');
  const named = /^(?:invoke_agent|agent_run|invoke_workflow|execute_node) \[?([^\]]+)/.exec(span.name)?.[1];
  return {
    name: stringOf(attributes['gen_ai.agent.name'] ?? attributes['adk.workflow.name'] ?? named),
    inputs: NOTHING.includes(data) ? undefined : inputsOf(structuredOf(data)),
    error: readError(span, status === 'failed' ? { failed: true, type: 'node failed' } : {}),
    metadata: {
      node_path: fields.string('adk.node.path'),
      node_status: status,
      attempt: fields.count('adk.node.attempt'),
    },
  };
}

function bodyAt(fields: SpanFields, key: string): Fields | undefined {
  return NOTHING.includes(fields.attributes[key]) ? undefined : fields.object(key);
}

function callIdOf(id: string | undefined): string | undefined {
  return id?.startsWith('<') ? undefined : nameOf(id);
}
