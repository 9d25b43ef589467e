/** Puts the handover of `handover.ts` into modules while Node loads them. */
import module from 'node:module';
import { type Tracer, trace } from '@opentelemetry/api';
import { say } from './announce.ts';
import { LLM_PACKAGES, type LlmPackage } from './catalog.ts';
import { addToModule, addToScript, type Watched } from './handover.ts';

/** Called when a known package is loaded. */
export type OnLoaded = (name: string, exports: object) => void;

type Compile = (this: unknown, source: string, path: string, ...rest: unknown[]) => unknown;
const LOADED = Symbol.for('humanloop-otel.loaded');
const TELEMETRY = Symbol.for('humanloop-otel.telemetry');

export interface LoadedModules {
  /** Names of the known packages that are loaded. */
  readonly names: ReadonlySet<string>;
  /** Calls the function for all that is loaded, now and later: instrumentations load packages themselves. */
  handTo(onLoaded: OnLoaded): void;
}

/** @param loaderThread address of `loader-thread.ts`. */
export function watchModules(loaderThread: URL): LoadedModules {
  const known = [{ name: 'ai' }, ...LLM_PACKAGES] as readonly Pick<LlmPackage, 'name' | 'entry' | 'replaced'>[];
  const watched: Watched = Object.fromEntries(
    known.map(({ name, entry = '.', replaced = [] }) => [name, { entry, replaced }]),
  );
  const names = new Set<string>();
  const loaded: (readonly [string, object])[] = [];
  let hand: OnLoaded = (...module) => loaded.push(module);
  const onLoaded: OnLoaded = (name, exports) => {
    names.add(name);
    hand(name, exports);
  };
  const tracer = trace.getTracer('ai');
  const byDefault = (original: AiSdkFunction) => withTelemetryByDefault(original, tracer);
  Object.assign(globalThis, { [LOADED]: onLoaded, [TELEMETRY]: byDefault });
  hookScripts(watched);
  if (hasSynchronousHooks(process.versions.node)) hookModules(watched, false);
  else hookByThread(loaderThread, watched);
  return {
    names,
    handTo: (receiver) => {
      hand = receiver;
      for (const [name, exports] of loaded) receiver(name, exports);
    },
  };
}

/**
 * Versions of Node whose `registerHooks` leave CommonJS modules to `Module.prototype`, where instrumentations look for
 * them. Before 26, `register` is an alternative without a deprecation warning.
 */
export function hasSynchronousHooks(version: string): boolean {
  if (typeof module.registerHooks !== 'function') return false;
  const [major = 0, minor = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  if (major === 22) return minor > 22 || (minor === 22 && patch >= 3);
  if (major === 24) return minor > 11 || (minor === 11 && patch >= 1);
  return major === 25 ? minor >= 1 : major >= 26;
}

function hookByThread(loaderThread: URL, watched: Watched): void {
  const failure = runInHooksThread(loaderThread, watched);
  if (failure === undefined) return;
  if (typeof module.registerHooks === 'function') hookModules(watched, true);
  else say(`calls of packages that are imported are not traced: ${failure}`);
}

/** Returns why the module does not run in the thread of Node's hooks, if it does not. */
export function runInHooksThread(loader: URL, data: unknown): string | undefined {
  const options = [...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].join(' ');
  const isRequired = /(^|\s)(-r|--require)[= ]\S*humanloop-otel/.test(options);
  if (isRequired && typeof module.registerHooks === 'function') {
    return 'versions of Node that have other hooks cannot run there what an ES module of --require names';
  }
  try {
    module.register(loader, { data });
    return undefined;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === 'ERR_ACCESS_DENIED' ? 'Node may start no thread; add --allow-worker' : message;
  }
}

function hookModules(watched: Watched, withScripts: boolean): void {
  module.registerHooks({ load: (url, context, next) => addToModule(url, next(url, context), watched, withScripts) });
}

/** All CommonJS modules pass here, whether they are required or imported. */
function hookScripts(watched: Watched): void {
  const prototype = module.Module.prototype as unknown as { _compile: Compile };
  const compile = prototype._compile;
  prototype._compile = function (source, path, ...rest) {
    const isText = typeof source === 'string' && typeof path === 'string';
    return compile.call(this, isText ? addToScript(path, source, rest[0], watched) : source, path, ...rest);
  };
}

type AiSdkFunction = (
  this: unknown,
  options?: { experimental_telemetry?: { isEnabled?: boolean } },
  ...rest: unknown[]
) => unknown;

/** Returns the function, which now creates spans, unless the app has decided itself. */
function withTelemetryByDefault(original: AiSdkFunction, tracer: Tracer): AiSdkFunction {
  return function (this: unknown, options, ...rest) {
    const given = options?.experimental_telemetry;
    const experimental_telemetry = { ...(given?.isEnabled === undefined && { isEnabled: true, tracer }), ...given };
    return original.call(this, options && { ...options, experimental_telemetry }, ...rest);
  };
}
