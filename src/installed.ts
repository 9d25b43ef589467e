/**
 * Finds the OpenTelemetry packages that the app has installed: SDK 1, 2 or 3, and the bundle of instrumentations. The
 * search starts in the app's directory, since strict package managers hide them from this package.
 */
import { createRequire, register } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ContextManager, TextMapPropagator, TracerProvider } from '@opentelemetry/api';
import type { HumanloopSpanProcessor } from './processors/span-processor.ts';

interface InstalledSdk {
  createProvider(processor: HumanloopSpanProcessor): TracerProvider;
  readonly contextManager: ContextManager | undefined;
  readonly propagator: TextMapPropagator | undefined;
}

export interface Installed {
  readonly sdk: InstalledSdk | undefined;
  /** @throws whatever an instrumentation throws. */
  startInstrumentations(): void;
}

/** Each SDK exports one of the classes in `PROVIDERS`; the name depends on its major version. */
const SDKS = ['@opentelemetry/sdk-trace-node', '@opentelemetry/sdk-trace', '@opentelemetry/sdk-trace-base'];
const PROVIDERS = ['NodeTracerProvider', 'TracerProvider', 'BasicTracerProvider'];

type Constructor<Made> = new (options?: object) => Made;
type Exports = Record<string, unknown>;

/** @throws whatever an installed but broken package throws. */
export function findInstalled(directory: string): Installed {
  const fromApp = createRequire(join(directory, 'app.js'));
  const fromSdkNode = requireFrom(fromApp, '@opentelemetry/sdk-node');
  return {
    sdk: findSdk(fromApp) ?? (fromSdkNode && findSdk(fromSdkNode)),
    startInstrumentations: () => startInstrumentations(fromApp),
  };
}

function findSdk(from: NodeJS.Require): InstalledSdk | undefined {
  for (const name of SDKS) {
    const fromSdk = requireFrom(from, name);
    if (!fromSdk) continue;
    const exports: Exports = from(name);
    const Provider = PROVIDERS.map((provider) => exports[provider]).find(Boolean) as Constructor<TracerProvider>;
    if (!Provider) continue;
    const find = <Made>(packageName: string, className: string) =>
      (load(fromSdk, packageName) ?? load(from, packageName))?.[className] as Constructor<Made> | undefined;
    const Manager = find<ContextManager>('@opentelemetry/context-async-hooks', 'AsyncLocalStorageContextManager');
    const Propagator = find<TextMapPropagator>('@opentelemetry/core', 'W3CTraceContextPropagator');
    return {
      createProvider: (processor) => new Provider({ spanProcessors: [processor] }),
      contextManager: Manager && new Manager(),
      propagator: Propagator && new Propagator(),
    };
  }
  return undefined;
}

function startInstrumentations(from: NodeJS.Require): void {
  const bundle = '@opentelemetry/auto-instrumentations-node';
  const fromBundle = requireFrom(from, bundle);
  if (!fromBundle) return;
  // Without the hook, only modules loaded with `require` can be instrumented.
  register(pathToFileURL(fromBundle.resolve('@opentelemetry/instrumentation/hook.mjs')));
  const { getNodeAutoInstrumentations } = from(bundle);
  // Creating an instrumentation enables it; it takes its tracer from the global provider.
  getNodeAutoInstrumentations();
}

function load(from: NodeJS.Require, name: string): Exports | undefined {
  return requireFrom(from, name) && from(name);
}

/** Returns a `require` that resolves as the named package does; undefined if that is not installed. */
function requireFrom(from: NodeJS.Require, name: string): NodeJS.Require | undefined {
  try {
    return createRequire(from.resolve(name));
  } catch {
    return undefined;
  }
}
