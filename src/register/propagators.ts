/** The propagators that `OTEL_PROPAGATORS` names, by default those of W3C, with that of this package. */
import type { TextMapPropagator } from '@opentelemetry/api';
import { HumanloopPropagator } from '../processors/propagator.ts';
import type { HumanloopSpanProcessor } from '../processors/span-processor.ts';
import { findFrom, type InstalledPackage } from './app.ts';

type Constructor = new (options?: object) => TextMapPropagator;
type Exports = Readonly<Record<string, unknown>>;

/** Name in the variable → package, its class and what that is created with. */
const KNOWN: Readonly<
  Record<string, readonly [name: string, className: string, options?: (exports: Exports) => object]>
> = {
  tracecontext: ['@opentelemetry/core', 'W3CTraceContextPropagator'],
  baggage: ['@opentelemetry/core', 'W3CBaggagePropagator'],
  b3: ['@opentelemetry/propagator-b3', 'B3Propagator'],
  b3multi: ['@opentelemetry/propagator-b3', 'B3Propagator', multiHeader],
  jaeger: ['@opentelemetry/propagator-jaeger', 'JaegerPropagator'],
};

export interface Propagators {
  /** Undefined if there is none. */
  readonly propagator: TextMapPropagator | undefined;
  /** Names that stand for nothing that is installed. */
  readonly missing: readonly string[];
}

/** `from` are the packages whose dependencies are searched. */
export function createPropagators(
  from: readonly InstalledPackage[],
  processor: HumanloopSpanProcessor,
  env: NodeJS.ProcessEnv = process.env,
): Propagators {
  const names = namesIn(env['OTEL_PROPAGATORS']);
  const found = names.map((name) => [name, create(name, from)] as const);
  const propagators = found.flatMap(([, propagator]) => propagator ?? []);
  const missing = found.flatMap(([name, propagator]) => (propagator ? [] : [name]));
  // Without traceparent the receiver ignores tracestate.
  if (found.some(([name, propagator]) => name === 'tracecontext' && propagator)) {
    propagators.push(new HumanloopPropagator(processor));
  }
  const { CompositePropagator } = load('@opentelemetry/core', from) as {
    CompositePropagator?: new (config: object) => TextMapPropagator;
  };
  const isNone = propagators.length === 0 || !CompositePropagator;
  return { propagator: isNone ? undefined : new CompositePropagator({ propagators }), missing };
}

function namesIn(variable: string | undefined): string[] {
  const names = variable?.split(',').flatMap((name) => name.trim().toLowerCase() || []) ?? [];
  if (names.length === 0) return ['tracecontext', 'baggage'];
  return names.includes('none') ? [] : [...new Set(names)];
}

function create(name: string, from: readonly InstalledPackage[]): TextMapPropagator | undefined {
  if (!Object.hasOwn(KNOWN, name)) return undefined;
  const [packageName, className, options] = KNOWN[name]!;
  const exports = load(packageName, from);
  const Propagator = exports[className] as Constructor | undefined;
  return Propagator && new Propagator(options?.(exports));
}

function load(name: string, from: readonly InstalledPackage[]): Exports {
  for (const { require } of from) {
    const found = findFrom(require, name);
    if (found) return found.load();
  }
  return {};
}

function multiHeader({ B3InjectEncoding }: Exports): object {
  return { injectEncoding: (B3InjectEncoding as { MULTI_HEADER?: unknown } | undefined)?.MULTI_HEADER };
}
