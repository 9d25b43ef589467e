/** What the rest of the app half does for this room. */
import type { Reading } from '../../conventions/convention.ts';
import type { LogEntry } from '../../delivery/ledger/log-entry.ts';
import { kindNow, type Select } from '../select-spans.ts';
import { findAncestor, isNode, type Keeper, type SpanNode } from '../span-node.ts';

/** The late fields that a log lacks. */
export interface Lacking {
  readonly output: boolean;
  readonly error: boolean;
}

export interface ResolverHost {
  readonly select: Select;
  /** Reads the span as it is now. Undefined if it was let go. */
  read(node: SpanNode): Reading | undefined;
  /** Finds what has the log of a span that was written, also of one that was forgotten since. */
  logOf(traceId: string, spanId: string): Keeper;
  /** The spans of all traces that are open, held or due. */
  unretiredNodes(): Iterable<SpanNode>;
  /** Adds what another span says about the same call to a log that is not written yet. */
  absorb(node: SpanNode, reading: Reading, bytes: number): void;
  /** Sends what the span says, and the log of another span of the same call lacks, as an update of that. */
  fillIn(entry: LogEntry, node: SpanNode, lacking: Lacking): void;
  /** Lets a due span wait until the other one, which is open, is due. Returns false if it cannot wait. */
  holdWith(node: SpanNode, open: SpanNode): boolean;
}

/** The nearest ancestor that is a log, as far as that is known. Decides nothing about open spans. */
export function findLogAbove(node: SpanNode, { select }: ResolverHost): SpanNode | undefined {
  return findAncestor(node, (above) => kindNow(above, select) !== undefined);
}

/** Makes a span that is not posted plumbing, since the keeper's log has its call. */
export function makePlumbing(node: SpanNode, keeper: Keeper): void {
  node.kind = undefined;
  node.isNoLog = true;
  node.keeper = keeper;
  if (isNode(keeper)) keeper.isKeeper = true;
}
