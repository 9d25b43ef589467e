/** What `register` says on stderr: each line once, by the main thread, and none with `HUMANLOOP_QUIET`. */
import { isMainThread } from 'node:worker_threads';
import { projectOf } from '../datapoint/project.ts';
import { resolveOptions } from '../options.ts';
import type { HumanloopSpanProcessor } from '../processors/span-processor.ts';
import { isQuiet } from './content.ts';
import type { Coverage } from './coverage.ts';
import { watchOthers } from './others.ts';

export function say(message: string): void {
  if (isMainThread && !isQuiet()) console.error(`humanloop-otel/register: ${message}`);
}

/** Runs a step. If it throws, that is said, and the result is undefined. */
export function attempt<Result>(step: () => Result, whatFails?: string): Result | undefined {
  try {
    return step();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    say(whatFails ? `${whatFails}: ${message}` : message);
    return undefined;
  }
}

/** The line at the start: what is traced, and where the logs go. */
export function announce(coverages: readonly Coverage[]): void {
  const traced = coverages
    .filter(({ by, version, isOwn }) => by !== undefined && (version !== '' || isOwn))
    .map(describe);
  const options = resolveOptions();
  const what = traced.length > 0 ? traced.join(', ') : 'spans that the app creates';
  say(`traces ${what}; logs go to project ${projectOf(options, undefined)} at ${options.baseUrl}`);
}

/** A line for each package whose calls nobody sees. */
export function warnOfUnseen(coverages: readonly Coverage[]): void {
  for (const { name, version, by, advice } of coverages) {
    if (by === undefined) say(`${name} ${version} is installed, but nothing sees its calls: ${advice}`);
  }
}

/**
 * A line at the end if there was no LLM span. `loaded` has the names of packages that the process has loaded. Returns a
 * function that calls it off, also in the thread that has started this one.
 */
export function warnIfNothingWasSeen(
  processor: HumanloopSpanProcessor,
  coverages: readonly Coverage[],
  loaded: ReadonlySet<string>,
): () => void {
  const others = watchOthers();
  const isSeen = () => {
    const { held, queued, logged, spooled, dropped } = processor.stats();
    return held + queued + logged + spooled + Object.keys(dropped).length > 0;
  };
  if (!isMainThread) whenSpanEnds(processor, isSeen, others.saySeen);
  const onExit = () => {
    if (!isSeen() && !others.mayHaveSeen) say(`no LLM span was seen: ${explain(coverages, loaded)}`);
  };
  process.once('exit', onExit);
  return () => {
    process.off('exit', onExit);
    others.saySeen();
  };
}

/** A thread that is terminated has no event for that. */
function whenSpanEnds(processor: HumanloopSpanProcessor, isSeen: () => boolean, saySeen: () => void): void {
  const onEnd = processor.onEnd.bind(processor);
  let isSaid = false;
  processor.onEnd = (span) => {
    onEnd(span);
    if (isSaid || !isSeen()) return;
    saySeen();
    isSaid = true;
  };
}

function explain(coverages: readonly Coverage[], loaded: ReadonlySet<string>): string {
  if (coverages.length === 0) return 'no LLM package that register knows is installed where the app is';
  const used = coverages.filter(({ name }) => loaded.has(name));
  if (used.length === 0) return `${coverages.map(describe).join(', ')}: not loaded by this process`;
  const own = used.filter(({ isOwn }) => isOwn);
  const unseen = (own.length > 0 ? own : used).find(({ by }) => by === undefined);
  if (unseen) return `nothing sees the calls of ${unseen.name} ${unseen.version}: ${unseen.advice}`;
  return `${used.map(describe).join(', ')}: no call was made, or none is sampled`;
}

function describe({ name, version, by }: Coverage): string {
  const versioned = `${name} ${version}`.trimEnd();
  return by === undefined || by === name ? versioned : `${versioned} (${by})`;
}
