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
  else if (hasHooksThread()) module.register(loaderThread, { data: watched });
  else if (typeof module.registerHooks === 'function') hookModules(watched, true);
  else say('calls of packages that are imported are not traced: Node may start no thread; add --allow-worker');
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

/**
 * Whether `register` works: Node's permissions may forbid threads, and versions of Node that have `registerHooks` too
 * cannot run an ES module that `--require` names in the thread of the hooks.
 */
export function hasHooksThread(): boolean {
  // Without a permission model there is no such object.
  if ((process.permission as NodeJS.ProcessPermission | undefined)?.has('worker') === false) return false;
  const options = [...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].join(' ');
  const isRequired = /(^|\s)(-r|--require)[= ]\S*humanloop-otel/.test(options);
  return !isRequired || typeof module.registerHooks !== 'function';
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
