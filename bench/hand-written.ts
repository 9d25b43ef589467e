/**
 * What a team might write in an afternoon, as the bound to compare with: logs in arrays of 100 over a pool of kept
 * connections. It does not bound memory, never retries, and knows only the vocabulary of this workload.
 */
import type { Attributes, Context, Span } from '@opentelemetry/api';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { Pool } from 'undici';

const BATCH = 100;
const LINGER_MILLIS = 10;
const CONNECTIONS = 8;

export type HandWrittenKind =
  /** Sends logs in the order in which spans end: children before their parents. */
  | 'unordered'
  /** Sends a child after its parent's request was answered; requests gather logs for 10 ms. */
  | 'parents first'
  /** Like `unordered`, with datapoints built beforehand, to measure the cost of sending alone. */
  | 'prebuilt';

type Datapoint = Record<string, unknown>;

interface Trace {
  /** For each span the nearest log, which may be the span itself. */
  readonly logs: Map<string, string>;
  readonly children: Datapoint[];
}

export class HandWritten implements SpanProcessor {
  readonly #pool: Pool;
  readonly #kind: HandWrittenKind;
  readonly #traces = new Map<string, Trace>();
  readonly #prebuilt = new Map<string, Datapoint[]>();
  #ended: ReadableSpan[] = [];
  #ready: Datapoint[] = [];
  #inFlight = 0;
  #isFlushing = false;
  #onIdle: (() => void) | undefined;
  #immediate: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;
  #count = 0;

  constructor(origin: string, kind: HandWrittenKind) {
    this.#pool = new Pool(origin, { connections: CONNECTIONS });
    this.#kind = kind;
  }

  onStart(span: Span, _context: Context): void {
    const { attributes, parentSpanContext } = span as unknown as ReadableSpan;
    const { traceId, spanId } = span.spanContext();
    let trace = this.#traces.get(traceId);
    if (!trace) {
      trace = { logs: new Map(), children: [] };
      this.#traces.set(traceId, trace);
    }
    const parent = parentSpanContext && trace.logs.get(parentSpanContext.spanId);
    const log = isLog(attributes) ? spanId : parent;
    if (log) trace.logs.set(spanId, log);
  }

  onEnd(span: ReadableSpan): void {
    if (!isLog(span.attributes)) return;
    this.#ended.push(span);
    if (this.#kind === 'parents first') this.#timer ??= setTimeout(() => this.#post(), LINGER_MILLIS);
    if (this.#ended.length >= BATCH) this.#immediate ??= setImmediate(() => this.#post());
  }

  update(reference: string, output: string): void {
    const body = Buffer.from(JSON.stringify({ output }));
    void this.#send('PATCH', `/v4/logs?reference_id=${reference}`, body);
  }

  async forceFlush(): Promise<void> {
    this.#isFlushing = true;
    this.#post();
    if (!this.#isIdle) await new Promise<void>((resolve) => (this.#onIdle = resolve));
    this.#isFlushing = false;
  }

  shutdown(): Promise<void> {
    return this.#pool.close();
  }

  get #isIdle(): boolean {
    return this.#ended.length === 0 && this.#ready.length === 0 && this.#inFlight === 0;
  }

  /** Maps one request per turn of the event loop, so that mapping never blocks for long. */
  #post(): void {
    this.#immediate = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const spans = this.#ended.length > BATCH ? this.#ended.splice(0, BATCH) : this.#ended;
    if (spans === this.#ended) this.#ended = [];
    for (const span of spans) this.#offer(span);
    const batch = this.#ready.splice(0, BATCH);
    if (batch.length > 0) {
      const body = Buffer.from(JSON.stringify(batch));
      void this.#send('POST', '/v4/logs', body, batch);
    }
    const waiting = this.#ended.length + this.#ready.length;
    if (waiting >= BATCH || (this.#isFlushing && waiting > 0)) this.#immediate ??= setImmediate(() => this.#post());
  }

  #offer(span: ReadableSpan): void {
    const datapoint = this.#kind === 'prebuilt' ? this.#build(span) : this.#map(span);
    const { traceId } = span.spanContext();
    const isRoot = !span.parentSpanContext;
    if (this.#kind === 'parents first' && !isRoot) {
      this.#traces.get(traceId)?.children.push(datapoint);
      return;
    }
    if (this.#kind !== 'parents first' && isRoot) this.#traces.delete(traceId);
    this.#ready.push(datapoint);
  }

  async #send(method: 'POST' | 'PATCH', path: string, body: Buffer, batch: Datapoint[] = []): Promise<void> {
    this.#inFlight++;
    const { body: answer } = await this.#pool.request({
      method,
      path,
      body,
      headers: { 'content-type': 'application/json', 'x-api-key': 'key' },
    });
    await answer.dump();
    this.#inFlight--;
    if (this.#kind === 'parents first') for (const datapoint of batch) this.#acknowledge(datapoint);
    if (this.#ready.length > 0) this.#timer ??= setTimeout(() => this.#post(), this.#isFlushing ? 0 : LINGER_MILLIS);
    if (this.#isIdle) this.#onIdle?.();
  }

  #acknowledge(datapoint: Datapoint): void {
    if (datapoint['parent_reference_id']) return;
    const traceId = (datapoint['reference_id'] as string).slice(0, 32);
    for (const child of this.#traces.get(traceId)?.children ?? []) this.#ready.push(child);
    // In this workload all children end before the root.
    this.#traces.delete(traceId);
  }

  #map(span: ReadableSpan): Datapoint {
    const { attributes, parentSpanContext, name, duration, startTime, resource, instrumentationScope } = span;
    const { traceId, spanId } = span.spanContext();
    const parent = parentSpanContext && this.#traces.get(traceId)?.logs.get(parentSpanContext.spanId);
    const operation = attributes['gen_ai.operation.name'];
    const datapoint: Datapoint = {
      project: resource.attributes['service.name'],
      session_reference_id: traceId,
      reference_id: `${traceId}-${spanId}`,
      parent_reference_id: parent && `${traceId}-${parent}`,
      source: 'opentelemetry',
      created_at: new Date(startTime[0] * 1e3 + startTime[1] / 1e6).toISOString(),
      duration: duration[0] + duration[1] / 1e9,
      inputs: {},
      metadata: { span_name: name, trace_id: traceId, scope: instrumentationScope.name },
    };
    if (operation === 'execute_tool') {
      datapoint['config'] = { type: 'tool', name: attributes['gen_ai.tool.name'] };
      datapoint['inputs'] = JSON.parse(attributes['gen_ai.tool.call.arguments'] as string);
      datapoint['output'] = attributes['gen_ai.tool.call.result'];
      return datapoint;
    }
    const model = {
      model: attributes['gen_ai.request.model'],
      provider: attributes['gen_ai.provider.name'],
      endpoint: 'chat',
      temperature: attributes['gen_ai.request.temperature'],
      max_tokens: attributes['gen_ai.request.max_tokens'],
    };
    const agent = attributes['gen_ai.agent.name'];
    datapoint['config'] = agent
      ? { type: 'agent', name: agent, agent_class: agent, model_config: model }
      : { type: 'model', ...model };
    const input = attributes['gen_ai.input.messages'];
    if (input) datapoint['messages'] = messages(input as string);
    const [answer] = messages(attributes['gen_ai.output.messages'] as string);
    datapoint['output_message'] = answer;
    datapoint['output'] = answer?.content;
    datapoint['prompt_tokens'] = attributes['gen_ai.usage.input_tokens'];
    datapoint['output_tokens'] = attributes['gen_ai.usage.output_tokens'];
    return datapoint;
  }

  #build(span: ReadableSpan): Datapoint {
    const kind = span.attributes['gen_ai.operation.name'] as string;
    const built = this.#prebuilt.get(kind) ?? [];
    this.#prebuilt.set(kind, built);
    const index = this.#count++ % (2 * BATCH);
    built[index] ??= this.#map(span);
    const { traceId, spanId } = span.spanContext();
    built[index]['reference_id'] = `${traceId}-${spanId}`;
    return built[index];
  }
}

function isLog(attributes: Attributes): boolean {
  return attributes['gen_ai.operation.name'] !== undefined;
}

function messages(json: string): { role: string; content: string }[] {
  const list = JSON.parse(json) as { role: string; parts: { content: string }[] }[];
  return list.map(({ role, parts }) => ({ role, content: parts.map(({ content }) => content).join('\n') }));
}
