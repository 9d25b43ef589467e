/**
 * Strands Agents: GenAI spans with their content in span events; the events of a tool hold its arguments and result.
 *
 * `gen_ai.system` and the scope name the framework, not the provider, or contain `OTEL_SERVICE_NAME`. Each cycle of an
 * agent's loop repeats the events of the call in it.
 */
import { type SpanSlice, scopeOf } from '../../otel/span-slice.ts';
import { isObject } from '../../wire/json.ts';
import { messageText } from '../../wire/message-text.ts';
import { inputsOf } from '../content/inputs.ts';
import { MessageReader } from '../content/messages/messages.ts';
import { openBody } from '../content/messages/open-body.ts';
import { toResultContent } from '../content/parts/message-parts.ts';
import { toStepOutput } from '../content/provider-bodies.ts';
import { readError } from '../content/read-error.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import { listOf } from '../values/attributes.ts';
import type { SpanFields } from '../values/span-fields.ts';
import { withSystem } from './gen-ai/content.ts';
import { genAi } from './gen-ai/gen-ai.ts';

const SYSTEM = 'strands-agents';
const PYTHON_SCOPE = 'strands.telemetry.tracer';
/** Only Strands writes this attribute. */
const START = 'gen_ai.event.start_time';
const DETAILS = 'gen_ai.client.inference.operation.details';

export const strands: Convention = {
  name: 'strands',
  title: 'Strands Agents',
  packages: ['@strands-agents/sdk'],
  signs: { keys: ['gen_ai.system', 'gen_ai.provider.name', START], scopes: [SYSTEM, PYTHON_SCOPE] },

  classify(span: SpanSlice): SpanKind | undefined {
    const { attributes } = span;
    if (attributes['gen_ai.system'] !== SYSTEM && attributes['gen_ai.provider.name'] !== SYSTEM) {
      const scope = scopeOf(span).name;
      if (scope !== SYSTEM && scope !== PYTHON_SCOPE && attributes[START] === undefined) return undefined;
    }
    if (attributes['gen_ai.operation.name'] !== undefined) return genAi.classify(span);
    return attributes['agent_loop.cycle_id'] !== undefined || attributes['event_loop.cycle_id'] !== undefined
      ? 'plumbing'
      : genAi.classify(span);
  },

  read(_span: SpanSlice, kind: SpanKind, fields: SpanFields): Reading {
    return {
      provider: kind === 'tool' ? undefined : SYSTEM,
      ...(kind === 'tool' && readToolCall(fields)),
      ...(kind === 'agent' && readAgent(fields)),
      ...(kind === 'generic' && readGroup(fields)),
      metadata: { time_to_first_chunk_ms: fields.number('gen_ai.server.time_to_first_token') },
    };
  },
};

function readToolCall({ attributes, span }: SpanFields): Reading {
  let input = attributes['gen_ai.tool.call.arguments'];
  let output = attributes['gen_ai.tool.call.result'];
  for (const { name, attributes: body } of span.events) {
    if (!body) continue;
    if (name === 'gen_ai.tool.message') input ??= body['content'];
    else if (name === 'gen_ai.choice') output ??= body['message'];
    else if (name === DETAILS) {
      input ??= partOf(body['gen_ai.input.messages'], 'arguments');
      output ??= partOf(body['gen_ai.output.messages'], 'response');
    }
  }
  input ??= partOf(attributes['gen_ai.input.messages'], 'arguments');
  output ??= partOf(attributes['gen_ai.output.messages'], 'response');
  const failed = attributes['gen_ai.tool.status'] === 'error';
  return {
    inputs: inputsOf(input),
    output: resultOf(output),
    error: readError(span, failed ? { failed, type: 'tool error' } : {}),
  };
}

/** Blocks without a type are Bedrock's: `[{ text }]`, `[{ json }]`. */
function resultOf(output: unknown): string | undefined {
  const list = listOf(output);
  const blocks = list && (openBody(list, true) as unknown[]);
  return (
    toStepOutput(blocks && messageText({ role: 'tool', content: toResultContent(blocks) })) ?? toStepOutput(output)
  );
}

function partOf(messages: unknown, key: 'arguments' | 'response'): unknown {
  const message = listOf(messages)?.[0];
  const part = isObject(message) && Array.isArray(message['parts']) ? message['parts'][0] : undefined;
  return isObject(part) ? part[key] : undefined;
}

/** Reads a graph or swarm and its nodes. Their id serves as name, since the agent's name is the kind of the group. */
function readGroup(fields: SpanFields): Reading {
  const { attributes, span } = fields;
  const failed = attributes['gen_ai.agent.status'] === 'FAILED';
  return {
    name: fields.string('gen_ai.agent.id'),
    inputs: inputsOf(attributes['gen_ai.agent.input']),
    error: readError(span, failed ? { failed, type: 'node failed' } : {}),
  };
}

function readAgent(fields: SpanFields): Reading {
  const system = fields.firstString('system_prompt', 'gen_ai.agent.system_prompt');
  if (system === undefined) return {};
  const { messages = [] } = genAi.read(fields.span, 'agent', fields);
  return { messages: withSystem(new MessageReader().readSystem(system), messages) };
}
