/** Chooses and starts the instrumentations of LLM packages, at most one for each. */
import { type MeterProvider, metrics } from '@opentelemetry/api';
import { attempt } from './announce.ts';
import { type App, findFrom, type InstalledPackage } from './app.ts';
import { BUNDLE, type Instrumentation, isInRange, LLM_PACKAGES, type LlmPackage } from './catalog.ts';
import type { Coverage } from './coverage.ts';

export interface Choice extends Coverage {
  readonly llm: LlmPackage;
  readonly chosen?: Chosen | undefined;
}

interface Chosen {
  readonly instrumentation: Instrumentation;
  readonly installed: InstalledPackage;
}

/** Chooses for each LLM package that the app can load, or has an instrumentation of. */
export function chooseInstrumentations(app: App, env: NodeJS.ProcessEnv = process.env): Choice[] {
  const isDisabled = readDisabled(env['OTEL_NODE_DISABLED_INSTRUMENTATIONS']);
  const bundle = app.find(BUNDLE);
  const choices: Choice[] = [];
  for (const llm of LLM_PACKAGES) {
    const found = app.find(llm.name);
    const version = found?.version ?? '';
    const isOwn = app.dependsOn(llm.usedAs ?? llm.name);
    const base = { llm, name: llm.name, version, isOwn, advice: undefined };
    if (found && llm.native && isInRange(version, llm.native)) {
      choices.push({ ...base, by: llm.name });
      continue;
    }
    const bridge = llm.bridge && app.find(llm.bridge);
    if (bridge) {
      choices.push({ ...base, by: bridge.name });
      continue;
    }
    const chosen = llm.instrumentations
      .filter((instrumentation) => !isDisabled(instrumentation) && (!found || isInRange(version, instrumentation)))
      .map((instrumentation) => {
        const name = instrumentation.package;
        return { instrumentation, installed: app.find(name) ?? (found && bundle && findFrom(bundle.require, name)) };
      })
      .find((candidate): candidate is Chosen => candidate.installed !== undefined);
    if (chosen) {
      const { name } = chosen.installed;
      choices.push({ ...base, isOwn: isOwn || app.dependsOn(name), by: name, chosen });
    } else if (found) choices.push({ ...base, by: undefined, advice: adviceFor(llm, version) });
  }
  return choices;
}

/** The variable has short names: `openai` for `@opentelemetry/instrumentation-openai`. */
function readDisabled(text: string | undefined): (instrumentation: Instrumentation) => boolean {
  const disabled = new Set(text?.split(',').map((name) => name.trim()));
  return ({ package: name }) => disabled.has(name.replace(/^.*instrumentation-/, ''));
}

function adviceFor({ instrumentations, advice }: LlmPackage, version: string): string {
  const fitting = instrumentations.find((instrumentation) => isInRange(version, instrumentation));
  return advice ?? (fitting ? `npm install ${fitting.package}` : 'no instrumentation of this version is known');
}

/** The part of an instrumentation that is used. Not all have all of it. */
interface StartedInstrumentation {
  manuallyInstrument?(exports: object): void;
  setMeterProvider?(provider: MeterProvider): void;
  init?(): Definition | readonly Definition[];
}

interface Definition {
  readonly name: string;
  readonly patch?: (exports: object, version: string) => unknown;
}

type InstrumentationClass = new (config: object) => StartedInstrumentation;
type Patch = (exports: object) => void;

/**
 * Creates the chosen instrumentations. Returns a function that hands them the exports of a package that was loaded.
 */
export function startInstrumentations(choices: readonly Choice[]): (name: string, exports: object) => void {
  const patches = new Map<string, Patch>();
  for (const { llm, name, version, chosen } of choices) {
    if (!chosen) continue;
    const patch = attempt(() => start(llm, version, chosen), `${chosen.installed.name} does not start`);
    if (patch) patches.set(name, patch);
  }
  return (name, exports) => attempt(() => patches.get(name)?.(exports), `${name} cannot be instrumented`);
}

/**
 * An instrumentation with `manuallyInstrument` gets all that is loaded, and its own hooks stay off, so that no call is
 * wrapped twice. Others hook `require` by themselves, and get ES modules only.
 */
function start({ name, replaced = [] }: LlmPackage, version: string, { instrumentation, installed }: Chosen): Patch {
  const Instrumentation = installed.load()[instrumentation.exported] as InstrumentationClass | undefined;
  if (!Instrumentation) throw new Error(`it has no ${instrumentation.exported}`);
  if (typeof Instrumentation.prototype.manuallyInstrument === 'function') {
    const off = { enabled: false };
    const started = new Instrumentation({ ...off, instrumentationConfig: off });
    return (exports) => {
      const originals = { ...exports };
      started.manuallyInstrument?.(instrumentation.wrapArgument?.(exports) ?? exports);
      for (const className of replaced) passAsClass(exports, originals, className);
    };
  }
  const started = new Instrumentation({});
  // Without this call, some have no instruments for their metrics, and throw into the app.
  started.setMeterProvider?.(metrics.getMeterProvider());
  const definitions = [started.init?.() ?? []].flat() as Definition[];
  const patch = definitions.find((definition) => definition.name === name)?.patch;
  return (exports) => {
    if (Symbol.toStringTag in exports) patch?.(exports, version);
  };
}

/** Lets `instanceof`, and the static members, work with a function that was put in the place of a class. */
function passAsClass(exports: object, originals: object, name: string): void {
  const [replacing, original] = [exports, originals].map((from) => (from as Record<string, unknown>)[name]);
  if (typeof replacing !== 'function' || typeof original !== 'function' || replacing === original) return;
  replacing.prototype = original.prototype;
  Object.setPrototypeOf(replacing, original);
}
