/** Starts OpenTelemetry's bundle of instrumentations, if the app has it, without those that `register` starts itself. */
import module from 'node:module';
import { pathToFileURL } from 'node:url';
import { type MeterProvider, metrics } from '@opentelemetry/api';
import type { InstalledPackage } from './app.ts';
import { LLM_PACKAGES } from './catalog.ts';
import { hasSynchronousHooks, runInHooksThread } from './module-hooks.ts';

interface Bundle {
  getNodeAutoInstrumentations(config: object): { setMeterProvider?(provider: MeterProvider): void }[];
}

interface SynchronousHook {
  register(options: { exclude: string[] }): void;
}

/** @throws whatever an instrumentation throws. */
export function startBundle(bundle: InstalledPackage): void {
  hookImports(bundle);
  const own = LLM_PACKAGES.flatMap(({ instrumentations }) => instrumentations.map(({ package: name }) => name));
  const config = Object.fromEntries(own.map((name) => [name, { enabled: false }]));
  // Creating an instrumentation enables it; it takes its tracer from the global provider.
  const started = (bundle.load() as unknown as Bundle).getNodeAutoInstrumentations(config);
  for (const instrumentation of started) instrumentation.setMeterProvider?.(metrics.getMeterProvider());
}

/** Without the hook, only modules loaded with `require` can be instrumented. */
function hookImports(bundle: InstalledPackage): void {
  const hook = bundle.require.resolve('@opentelemetry/instrumentation/hook.mjs');
  const exclude = LLM_PACKAGES.map(({ name }) => name);
  // A failure has been said of the own hooks, which were before these.
  if (!hasSynchronousHooks(process.versions.node)) return void runInHooksThread(pathToFileURL(hook), { exclude });
  const synchronous = resolveFrom(hook, 'import-in-the-middle/register-hooks.mjs');
  if (synchronous) (module.createRequire(hook)(synchronous) as SynchronousHook).register({ exclude });
}

function resolveFrom(file: string, name: string): string | undefined {
  try {
    return module.createRequire(file).resolve(name);
  } catch {
    return undefined;
  }
}
