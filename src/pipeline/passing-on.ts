/**
 * Says what a request to another service carries: the log that it is below, and its session.
 *
 * The other service names that log as a parent, so the decision stands: the span is logged whatever it turns out to be,
 * unless another span has the log of its call. Of the spans of one tool call, the outermost is named, which has it.
 */
import { roleInMcp } from '../conventions/vocabularies/mcp.ts';
import type { ResolvedOptions } from '../options.ts';
import { isSameTool, toolFactsOf } from '../trace/same-call/tool-facts.ts';
import { createSelect, kindNow, type Select } from '../trace/select-spans.ts';
import { findAncestor, type SpanNode } from '../trace/span-node.ts';
import { findContext } from '../trace/trace-context.ts';
import type { TraceTracker } from '../trace/trace-tracker.ts';
import { readNode } from './read-node.ts';

export interface PassedOn {
  /** Span id of the nearest log at or above the span; undefined if there is none. */
  readonly ancestor: string | undefined;
  /** The session's id, if it has a name and is to be passed on. */
  readonly session: string | undefined;
}

export const NOTHING_PASSED_ON: PassedOn = { ancestor: undefined, session: undefined };

type Options = Pick<ResolvedOptions, 'conventions' | 'include' | 'propagateSession' | 'session'>;

export class PassingOn {
  readonly #tracker: TraceTracker;
  readonly #options: Options;
  readonly #select: Select;
  readonly #catchUp: () => void;

  /** `catchUp` makes the tracker follow what has started and ended. */
  constructor(tracker: TraceTracker, options: Options, catchUp: () => void) {
    this.#tracker = tracker;
    this.#options = options;
    this.#select = createSelect(options);
    this.#catchUp = catchUp;
  }

  /** Returns what a request carries that is sent within this span. */
  from(traceId: string, spanId: string): PassedOn {
    this.#catchUp();
    const node = this.#tracker.find(traceId, spanId);
    if (!node) return NOTHING_PASSED_ON;
    const log = this.#nearestLog(node);
    if (log && !log.entry) log.isNamed = true;
    const session = this.#options.propagateSession ? findContext(node.trace, this.#options.session).session : undefined;
    // By its default the other service has the id of the trace, too.
    return { ancestor: log?.spanId, session: session === traceId ? undefined : session };
  }

  #nearestLog(node: SpanNode): SpanNode | undefined {
    const log = this.#isLog(node) ? node : findAncestor(node, this.#isLog);
    const around = log && findAncestor(log, this.#isLog);
    return around && this.#isRequestOf(around, log) ? around : log;
  }

  readonly #isLog = (node: SpanNode): boolean =>
    node.entry?.state !== 'dropped' && kindNow(node, this.#select) !== undefined;

  /** Whether the inner span is the request to an MCP server of the outer one, a tool that is open. */
  #isRequestOf(outer: SpanNode, inner: SpanNode): boolean {
    if (!outer.span || !inner.span || inner.entry || roleInMcp(inner.span) === undefined) return false;
    if (kindNow(outer, this.#select) !== 'tool') return false;
    const [around, request] = [outer, inner].map((node) => this.#factsOf(node));
    return around !== undefined && request !== undefined && isSameTool(around, request);
  }

  #factsOf(node: SpanNode) {
    return node.span && toolFactsOf(node.span, readNode(node, node.span, this.#options.conventions));
  }
}
