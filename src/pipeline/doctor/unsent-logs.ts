/**
 * Says, when the process ends, how many logs of processors and exporters that nobody has shut down are lost by it: Node
 * waits for nothing then. A spool keeps them for the next start, so that there is nothing to say.
 */
import { guard } from '../../host/guard.ts';
import { warnAloud } from '../../host/stderr.ts';

const NOT_AWAITED =
  'the process has ended before they were sent. Await forceFlush() before process.exit(), and shutdown() of the SDK or ' +
  "the provider in process.once('beforeExit') and on signals, or set a spool";

export interface UnsentLogs {
  /** Number of logs that are not acknowledged, those of open spans among them. It may be slow. */
  countUnsent(): number;
}

/** Weak, since an app may forget processors that it has created. Undefined until there is one. */
let sources: Sources | undefined;

interface Sources {
  readonly all: Set<WeakRef<UnsentLogs>>;
  readonly forgotten: FinalizationRegistry<WeakRef<UnsentLogs>>;
}

/** Returns a function that calls it off: call it when everything is sent, or counted as dropped. */
export function watchForEnd(source: UnsentLogs, isQuiet: boolean): () => void {
  // Hosts without this class, such as older ones of Cloudflare, have no end of a process either.
  if (!globalThis.process?.once || !globalThis.FinalizationRegistry) return () => undefined;
  sources ??= listen(isQuiet);
  const { all, forgotten } = sources;
  const reference = new WeakRef(source);
  all.add(reference);
  forgotten.register(source, reference);
  return () => all.delete(reference);
}

function listen(isQuiet: boolean): Sources {
  const all = new Set<WeakRef<UnsentLogs>>();
  process.once('exit', () => onExit(all, isQuiet));
  return { all, forgotten: new FinalizationRegistry((reference) => all.delete(reference)) };
}

/** Prints it once: whoever finds first that logs are lost knows best why. */
export function sayIfLost(count: number, why: string, isQuiet: boolean): void {
  if (count > 0) warnAloud('lost', `up to ${count === 1 ? '1 log is' : `${count} logs are`} lost: ${why}`, isQuiet);
}

function onExit(all: Iterable<WeakRef<UnsentLogs>>, isQuiet: boolean): void {
  guard(() => {
    let count = 0;
    for (const source of all) count += source.deref()?.countUnsent() ?? 0;
    sayIfLost(count, NOT_AWAITED, isQuiet);
  });
}
