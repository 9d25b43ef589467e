/**
 * Reads the logs of a run, which are spans of one trace that are due together, before any of them is written. What they
 * say decides which of them report a call that another log has.
 */
import { shortWayOf } from '../conventions/index.ts';
import type { ShortReading } from '../conventions/short-way.ts';
import { reportFault } from '../host/guard.ts';
import type { ResolvedOptions } from '../options.ts';
import { CallResolver } from '../trace/same-call/call-resolver.ts';
import type { ResolverHost } from '../trace/same-call/resolver-host.ts';
import type { SpanNode } from '../trace/span-node.ts';
import { readNode } from './read-node.ts';

export interface RunReaderOptions extends Pick<ResolvedOptions, 'conventions'> {
  /** True for an exporter, which cannot know whether more of a trace will come. */
  readonly awaitsUnseenParents: boolean;
  /** Whether the logs of spans that are read the short way can be written. */
  readonly readsShort: boolean;
}

export class RunReader {
  readonly #resolver: CallResolver;
  readonly #options: RunReaderOptions;

  constructor(host: ResolverHost, options: RunReaderOptions) {
    this.#resolver = new CallResolver(host);
    this.#options = options;
  }

  /** Whether the readings of these logs are compared: they have to be whole then. */
  compares(logs: readonly SpanNode[]): boolean {
    try {
      return this.#resolver.comparesReadings(logs);
    } catch (error) {
      reportFault(error);
      return true;
    }
  }

  /** Gives a log its `reading`, or its `short` reading. `isCompared` is what `compares` said of its run. */
  readonly read = (node: SpanNode, isCompared: boolean): void => {
    if (!node.span || node.reading) return;
    const isShort = this.#options.readsShort && !isCompared && !this.#mayBeJoined(node);
    node.short = isShort ? readShort(node) : undefined;
    if (!node.short) node.reading = readNode(node, node.span, this.#options.conventions);
  };

  /**
   * Call this when all logs of a run are read. Marks those that are no logs, and adds to `heldAgain` those that have to
   * wait for another span.
   */
  resolve(logs: readonly SpanNode[], areCompared: boolean, heldAgain: Set<SpanNode>): void {
    try {
      if (areCompared) this.#resolver.resolve(logs, heldAgain);
      else this.#resolver.remember(logs);
    } catch (error) {
      reportFault(error);
    }
  }

  /** A request to an MCP server may come after the log of the tool that makes it. It is compared with the tool's reading. */
  #mayBeJoined({ kind, trace }: SpanNode): boolean {
    return kind === 'tool' && (this.#options.awaitsUnseenParents || trace.openCount > 0);
  }
}

function readShort({ span, kind, recognitions, events, absorbed, state }: SpanNode): ShortReading | undefined {
  if (!span || !kind || events || absorbed || state === 'open') return undefined;
  return shortWayOf(recognitions)?.(span, kind);
}
