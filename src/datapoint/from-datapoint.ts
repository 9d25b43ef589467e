/**
 * The way back, from a stored datapoint to the reading it was made of: for a log that has to be put together again when
 * more is known of its call. Mapped again as the same kind, the reading gives the same datapoint.
 */
import type { LogKind, Reading } from '../conventions/convention.ts';
import { omitUndefined } from '../conventions/values/attributes.ts';
import type { HrTime, SpanSlice } from '../otel/span-slice.ts';
import type { LogConfig, LogRequest, ModelConfig, ModelTool } from '../wire/v4.ts';

/** What `toDatapoint` adds to the metadata, whatever the reading says. */
const ADDED: ReadonlySet<string> = new Set([
  ...['finish_reason', 'prompt_tokens', 'output_tokens', 'user', 'tags', 'scope', 'span_name', 'trace_id'],
]);

type Record_ = Record<string, unknown>;

/** `kind` is what the datapoint was mapped as. */
export function readDatapoint(datapoint: LogRequest, kind: LogKind): Reading {
  const { config, inputs, messages, output_message, output, error, metadata } = datapoint;
  const isCall = kind === 'model' || kind === 'generic';
  const rest: Record_ = {};
  for (const key in metadata) if (!ADDED.has(key) || (!isCall && key.endsWith('_tokens'))) rest[key] = metadata[key];
  return omitUndefined<Record_>({
    ...(config ? readConfig(config, datapoint) : {}),
    inputs: inputs && Object.keys(inputs).length > 0 ? inputs : undefined,
    messages: messages ?? undefined,
    outputMessage: output_message ?? undefined,
    output: output ?? undefined,
    promptTokens: datapoint.prompt_tokens ?? undefined,
    outputTokens: datapoint.output_tokens ?? undefined,
    promptCost: datapoint.prompt_cost ?? undefined,
    outputCost: datapoint.output_cost ?? undefined,
    finishReason: metadata?.['finish_reason'],
    error: typeof error === 'string' ? { message: error } : undefined,
    metadata: rest,
    providerRequest: datapoint.provider_request ?? undefined,
    providerResponse: datapoint.provider_response ?? undefined,
  }) as Reading;
}

function readConfig(config: LogConfig, { metadata }: LogRequest): Record_ {
  switch (config.type) {
    case 'model':
      return readModel(config);
    case 'agent':
      return {
        ...readModel(config.model_config),
        name: withoutSpanName(config.name, metadata),
        description: config.description,
        tools: config.tools?.map(({ type: _type, ...tool }) => tool as ModelTool),
      };
    case 'tool':
      return {
        name: withoutSpanName(config.name, metadata),
        description: config.description,
        toolParameters: config.parameters,
        other: config.other,
      };
    default:
      return {
        ...readParameters(config.other ?? {}),
        name: withoutSpanName(config.name, metadata),
        description: config.description,
      };
  }
}

function readModel(config: ModelConfig): Record_ {
  const { provider: raw, ...other } = (config.other ?? {}) as Record_;
  return {
    ...readParameters(config as Record_),
    model: config.model === 'unknown' ? undefined : config.model,
    provider: typeof raw === 'string' ? raw : config.provider,
    endpoint: config.endpoint,
    promptTemplate: config.prompt_template,
    chatTemplate: config.chat_template,
    other: Object.keys(other).length > 0 ? other : undefined,
  };
}

/** Takes the fields of a config that stand for parameters of a call. A generic config has them, and more, in `other`. */
function readParameters(fields: Record_): Record_ {
  const { model, provider, temperature, seed, stop, tools, ...more } = fields;
  const { max_tokens: maxTokens, top_p: topP, presence_penalty: presencePenalty, ...others } = more;
  const { frequency_penalty: frequencyPenalty, response_format: responseFormat, ...other } = others;
  return {
    ...{ model, provider, temperature, seed, stop, tools, maxTokens, topP, presencePenalty },
    ...{ frequencyPenalty, responseFormat, other: Object.keys(other).length > 0 ? other : undefined },
  };
}

/** A span without a name of its own is called after the span: so is whatever it turns out to be. */
function withoutSpanName(name: string | undefined, metadata: LogRequest['metadata']): string | undefined {
  return name === metadata?.['span_name'] ? undefined : name;
}

/** Returns a span that has what `toDatapoint` reads of one, besides its attributes. */
export function spanOfDatapoint(datapoint: LogRequest, traceId: string, spanId: string): SpanSlice {
  const { metadata, created_at, duration } = datapoint;
  const startTime = hrTimeOf(Date.parse(created_at ?? '') / 1e3 || 0);
  const length = hrTimeOf(duration ?? 0);
  return {
    name: textOf(metadata?.['span_name']),
    kind: 0,
    spanContext: () => ({ traceId, spanId, traceFlags: 1 }),
    startTime,
    endTime: startTime,
    duration: length,
    ended: duration !== undefined && duration !== null,
    status: { code: 0 },
    attributes: {},
    events: [],
    // With its version, as the metadata have it.
    instrumentationScope: { name: textOf(metadata?.['scope']) },
  };
}

function hrTimeOf(seconds: number): HrTime {
  const whole = Math.floor(seconds);
  return [whole, Math.round((seconds - whole) * 1e9)];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
