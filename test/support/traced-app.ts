/** An app that is traced with the real SDK, and checks of what became of its logs. */
import {
  type AttributeValue,
  type Context,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  trace,
} from '@opentelemetry/api';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  type BufferConfig,
  type SpanProcessor,
  type TracerConfig,
} from '@opentelemetry/sdk-trace-base';
import { expect, onTestFinished } from 'vitest';
import { type HumanloopOptions, HumanloopSpanExporter, HumanloopSpanProcessor, type Stats } from '../../src/index.ts';
import type { MisbehavingV4 } from './misbehaving-v4.ts';

/** Pauses that are short enough for tests. */
export const QUICK: HumanloopOptions = {
  retry: { minDelayMillis: 1, maxDelayMillis: 20, maxElapsedMillis: 60_000 },
  holdMillis: 50,
};

type Attributes = Record<string, AttributeValue>;

export interface LogSpanOptions {
  readonly parent?: Span | SpanContext;
  readonly attributes?: Attributes;
}

export const CHAT: Attributes = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o' };
export const AGENT: Attributes = { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'agent' };

export class TracedApp<Client extends HumanloopSpanProcessor | HumanloopSpanExporter> {
  readonly client: Client;
  readonly provider: BasicTracerProvider;
  readonly server: MisbehavingV4;
  /** Reference ids that `onDrop` named, by reason. */
  readonly dropped = new Map<string, string[]>();
  /** Reference ids of the spans that are logs and have ended. */
  readonly ended: string[] = [];
  readonly #isLog = new Set<string>();

  constructor(
    server: MisbehavingV4,
    options: HumanloopOptions,
    create: (options: HumanloopOptions) => { client: Client; processor: SpanProcessor },
    config: TracerConfig & { spanProcessors?: SpanProcessor[] } = {},
  ) {
    this.server = server;
    const onDrop: HumanloopOptions['onDrop'] = (report) => {
      const references = this.dropped.get(report.reason) ?? [];
      this.dropped.set(report.reason, [...references, ...report.referenceIds]);
      return options.onDrop?.(report);
    };
    const { client, processor } = create({ baseUrl: server.baseUrl, ...QUICK, ...options, onDrop });
    this.client = client;
    const { spanProcessors = [], ...rest } = config;
    this.provider = new BasicTracerProvider({
      ...rest,
      spanProcessors: [this.#counter(), ...spanProcessors, processor],
    });
    onTestFinished(() => client.shutdown());
  }

  /** Starts a span that is a log. */
  start(name: string, { parent, attributes = CHAT }: LogSpanOptions = {}): Span {
    const span = this.startOther(name, { ...(parent && { parent }), attributes });
    this.#isLog.add(referenceOf(span));
    return span;
  }

  /**
   * Keeps a request waiting until all that `end` ends is mapped: how that is cut into requests does not depend on the
   * speed of the machine then. `concurrency` has to be 1.
   */
  async endTogether(end: () => void): Promise<void> {
    const { server } = this;
    const { fault } = server;
    const first = server.requests.length;
    let goOn = (): void => undefined;
    const waitsFor = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    server.fault = (request, index) => (index === first ? { waitsFor } : fault?.(request, index));
    this.start('first').end();
    await expect.poll(() => server.requests.length).toBe(first + 1);
    end();
    await expect.poll(() => this.client.stats().held).toBe(0);
    server.fault = fault;
    goOn();
  }

  /** Starts a span that is not a log. */
  startOther(name: string, { parent, attributes = {} }: LogSpanOptions = {}): Span {
    return this.provider.getTracer('app').startSpan(name, { attributes }, contextOf(parent));
  }

  /** Resolves when all ended spans are acknowledged. A batch processor of the SDK exports its spans first. */
  async flush(): Promise<void> {
    await this.provider.forceFlush();
    await this.client.forceFlush();
  }

  log(span: Span) {
    return this.server.logs.get(referenceOf(span));
  }

  get stats(): Stats {
    return this.client.stats();
  }

  /** Expects every log of an ended span to be delivered once or dropped with a reason, and no rule to be broken. */
  expectAccounted(): void {
    expect(this.server.breaches).toEqual([]);
    const given = [...this.dropped].filter(([reason]) => !reason.startsWith('update_')).flatMap(([, named]) => named);
    const delivered = this.ended.filter((reference) => this.server.logs.has(reference));
    expect([...new Set([...delivered, ...given.filter((reference) => this.ended.includes(reference))])].sort()).toEqual(
      [...this.ended].sort(),
    );
    expect(delivered.filter((reference) => given.includes(reference))).toEqual([]);
  }

  /** Expects all logs to be delivered, and nothing to be left. */
  expectDelivered(): void {
    this.expectAccounted();
    expect([...this.dropped.keys()]).toEqual([]);
    expect(this.stats).toMatchObject({ held: 0, queued: 0, inFlight: 0, dropped: {} });
    expect(this.ended.filter((reference) => !this.server.logs.has(reference))).toEqual([]);
  }

  #counter(): SpanProcessor {
    return {
      onStart: () => undefined,
      onEnd: (span) => {
        const reference = referenceOf(span);
        if (this.#isLog.has(reference)) this.ended.push(reference);
      },
      forceFlush: async () => undefined,
      shutdown: async () => undefined,
    };
  }
}

export function appWithProcessor(
  server: MisbehavingV4,
  options: HumanloopOptions = {},
  config: TracerConfig & { spanProcessors?: SpanProcessor[] } = {},
): TracedApp<HumanloopSpanProcessor> {
  const create = (resolved: HumanloopOptions) => {
    const client = new HumanloopSpanProcessor(resolved);
    return { client, processor: client };
  };
  return new TracedApp(server, options, create, config);
}

export function appWithExporter(
  server: MisbehavingV4,
  options: HumanloopOptions = {},
  batch: BufferConfig = { maxExportBatchSize: 2 },
  config: TracerConfig = {},
): TracedApp<HumanloopSpanExporter> {
  const create = (resolved: HumanloopOptions) => {
    const client = new HumanloopSpanExporter(resolved);
    return { client, processor: new BatchSpanProcessor(client, batch) };
  };
  return new TracedApp(server, options, create, config);
}

export function referenceOf(span: { spanContext(): SpanContext }): string {
  const { traceId, spanId } = span.spanContext();
  return `${traceId}-${spanId}`;
}

export function outputOf(text: string): Attributes {
  const message = { role: 'assistant', parts: [{ type: 'text', content: text }], finish_reason: 'stop' };
  return { 'gen_ai.output.messages': JSON.stringify([message]) };
}

function contextOf(parent: Span | SpanContext | undefined): Context {
  if (!parent) return ROOT_CONTEXT;
  return 'spanContext' in parent ? trace.setSpan(ROOT_CONTEXT, parent) : trace.setSpanContext(ROOT_CONTEXT, parent);
}
