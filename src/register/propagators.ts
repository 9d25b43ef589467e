/** The propagators that `OTEL_PROPAGATORS` names, by default those of W3C, with that of this package. */
import type { TextMapPropagator } from '@opentelemetry/api';
import { HumanloopPropagator } from '../processors/propagator.ts';
import type { HumanloopSpanProcessor } from '../processors/span-processor.ts';
import type { InstalledPackage } from './app.ts';

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
  /** Names in the variable that stand for nothing that is installed. */
  readonly missing: readonly string[];
}

/** Returns an installed package. */
export type FindPackage = (name: string) => InstalledPackage | undefined;

export function createPropagators(
  find: FindPackage,
  processor: HumanloopSpanProcessor,
  env: NodeJS.ProcessEnv = process.env,
): Propagators {
  const named = namesIn(env['OTEL_PROPAGATORS']);
  const found = (named ?? ['tracecontext', 'baggage']).map((name) => [name, create(name, find)] as const);
  const propagators = found.flatMap(([, propagator]) => propagator ?? []);
  const missing = found.flatMap(([name, propagator]) => (propagator || !named ? [] : [name]));
  // Without traceparent the receiver ignores tracestate.
  if (found.some(([name, propagator]) => name === 'tracecontext' && propagator)) {
    propagators.push(new HumanloopPropagator(processor));
  }
  const { CompositePropagator } = load('@opentelemetry/core', find) as {
    CompositePropagator?: new (config: object) => TextMapPropagator;
  };
  const isNone = propagators.length === 0 || !CompositePropagator;
  return { propagator: isNone ? undefined : new CompositePropagator({ propagators }), missing };
}

/** Undefined if it names none. */
function namesIn(variable: string | undefined): string[] | undefined {
  const names = variable?.split(',').flatMap((name) => name.trim().toLowerCase() || []) ?? [];
  if (names.length === 0) return undefined;
  return names.includes('none') ? [] : [...new Set(names)];
}

function create(name: string, find: FindPackage): TextMapPropagator | undefined {
  if (!Object.hasOwn(KNOWN, name)) return undefined;
  const [packageName, className, options] = KNOWN[name]!;
  const exports = load(packageName, find);
  const Propagator = exports[className] as Constructor | undefined;
  return Propagator && new Propagator(options?.(exports));
}

function load(name: string, find: FindPackage): Exports {
  return find(name)?.load() ?? {};
}

function multiHeader({ B3InjectEncoding }: Exports): object {
  return { injectEncoding: (B3InjectEncoding as { MULTI_HEADER?: unknown } | undefined)?.MULTI_HEADER };
}
