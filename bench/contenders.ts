/** The exporters that are compared. Each runs in a process of its own, which loads only what it needs. */
import type { SpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { HumanloopOptions } from 'humanloop-otel';

export interface Contender {
  readonly processors: SpanProcessor[];
  /** Resolves when all that has ended is acknowledged or dropped. */
  flush(): Promise<void>;
  update?(reference: string, output: string): void;
  stats?(): unknown;
}

export interface Setting {
  readonly origin: string;
  /** `true` keeps the default settings; `false` makes room for all spans, so that all do the same work. */
  readonly atDefaults: boolean;
}

/** Settings with which OTLP exporters accept the whole workload: 47 requests of 512 spans at once. */
const ROOMY = { maxQueueSize: 200_000, maxExportBatchSize: 512 };
const ROOMY_REQUESTS = 1_000;

export const CONTENDERS: Readonly<Record<string, (setting: Setting) => Promise<Contender>>> = {
  async 'no exporter'() {
    return { processors: [], flush: async () => {} };
  },

  async 'OTLP/JSON'({ origin, atDefaults }) {
    const { BatchSpanProcessor } = await import('@opentelemetry/sdk-trace-base');
    const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http');
    const url = `${origin}/v1/traces`;
    const exporter = new OTLPTraceExporter(atDefaults ? { url } : { url, concurrencyLimit: ROOMY_REQUESTS });
    return ofProcessor(new BatchSpanProcessor(exporter, atDefaults ? {} : ROOMY));
  },

  async langfuse({ origin, atDefaults }) {
    if (!atDefaults) process.env['OTEL_BSP_MAX_QUEUE_SIZE'] = String(ROOMY.maxQueueSize);
    const { LangfuseSpanProcessor } = await import('@langfuse/otel');
    return ofProcessor(new LangfuseSpanProcessor({ baseUrl: origin, publicKey: 'public', secretKey: 'secret' }));
  },

  'hand-written, unordered': ({ origin }) => handWritten(origin, 'unordered'),
  'hand-written, parents first': ({ origin }) => handWritten(origin, 'parents first'),
  'prebuilt datapoints': ({ origin }) => handWritten(origin, 'prebuilt'),
  ours: (setting) => ours('humanloop-otel', setting),
  'ours, gzip': (setting) => ours('humanloop-otel', setting, { compression: 'gzip' }),
};

/** Returns the contender of that name. `ours: <folder>` is another build of the package, in its `dist` folder. */
export function contenderOf(name: string): (setting: Setting) => Promise<Contender> {
  const [, folder] = /^ours: (.+)$/.exec(name) ?? [];
  const found = folder ? (setting: Setting) => ours(`${folder}/index.js`, setting) : CONTENDERS[name];
  if (!found) throw new Error(`There is no contender ${name}`);
  return found;
}

async function handWritten(origin: string, kind: 'unordered' | 'parents first' | 'prebuilt'): Promise<Contender> {
  const { HandWritten } = await import('./hand-written.ts');
  const processor = new HandWritten(origin, kind);
  return { ...ofProcessor(processor), update: (reference, output) => processor.update(reference, output) };
}

async function ours(specifier: string, { origin }: Setting, options: HumanloopOptions = {}): Promise<Contender> {
  const { HumanloopSpanProcessor }: typeof import('humanloop-otel') = await import(specifier);
  const processor = new HumanloopSpanProcessor({ baseUrl: `${origin}/v4`, apiKey: 'key', quiet: true, ...options });
  return {
    ...ofProcessor(processor as unknown as SpanProcessor),
    update: (reference, output) => processor.update(reference, { output }),
    stats: () => processor.stats(),
  };
}

function ofProcessor(processor: SpanProcessor): Contender {
  return { processors: [processor], flush: () => processor.forceFlush() };
}
