/**
 * Makes one call one log, whichever spans report it: in one trace and run (`same-call.ts`), in one trace at different
 * times (`late-requests.ts`), and in traces of their own (`calls-elsewhere.ts`).
 */
import type { Reading } from '../../conventions/convention.ts';
import { roleInMcp } from '../../conventions/vocabularies/mcp.ts';
import { scopeOf } from '../../otel/span-slice.ts';
import { findAncestor, type SpanNode } from '../span-node.ts';
import { type CallSpan, callSpanOf } from './call-span.ts';
import { CallsElsewhere } from './calls-elsewhere.ts';
import { resolveLateRequests } from './late-requests.ts';
import { withoutOwnUsage } from './merge-readings.ts';
import { makePlumbing, type ResolverHost } from './resolver-host.ts';
import { resolveDuplicates } from './same-call.ts';
import { warnOfDouble } from './warn-of-double.ts';

export class CallResolver {
  readonly #host: ResolverHost;
  readonly #elsewhere: CallsElsewhere;

  constructor(host: ResolverHost) {
    this.#host = host;
    this.#elsewhere = new CallsElsewhere(host);
  }

  /**
   * Returns false if none of these logs, which are due together in one trace, can report a call that another log has,
   * whatever their spans say: no log is below another that counts the same, all calls are of one instrumentation, and no
   * other is known to report the same calls. Then `remember` does what `resolve` would.
   */
  comparesReadings(logs: readonly SpanNode[]): boolean {
    let only: string | undefined;
    for (let at = 0; at < logs.length; at++) {
      const node = logs[at] as SpanNode;
      const { kind, span, parent } = node;
      if (!span) return true;
      if (isStep(node)) continue;
      if (kind === 'tool') {
        if (roleInMcp(span) !== undefined) return true;
      } else {
        const scope = scopeOf(span).name;
        only ??= scope;
        if (scope !== only || (kind === 'model' && this.#elsewhere.maySearch(scope))) return true;
      }
      for (let step = parent; step; step = step.parent) if (isOfKind(step, kind)) return true;
    }
    return false;
  }

  /** Keeps what logs are known by, for spans of the same calls that come later. */
  remember(logs: readonly SpanNode[]): void {
    resolveLateRequests(logs, this.#host);
    // Of a loop here V8 would compile all that it calls once more.
    logs.forEach(this.#rememberCall);
  }

  readonly #rememberCall = (node: SpanNode): void => {
    if (node.kind === 'model') this.#elsewhere.remember(node);
  };

  /**
   * Takes the logs of one trace that are due together, which have been read. Corrects kind and reading of those that
   * report the same call as another, and marks those of them that are no logs (`isNoLog`). Adds to `heldAgain` what has
   * to wait for a span of another trace.
   */
  resolve(logs: readonly SpanNode[], heldAgain: Set<SpanNode>): void {
    const { mayHaveDuplicates, hasTools } = survey(logs);
    if (mayHaveDuplicates) resolveRun(logs);
    if (hasTools) resolveLateRequests(logs, this.#host);
    for (const node of logs) {
      if (node.kind === 'model' && node.reading && this.#elsewhere.compare(node, node.reading)) heldAgain.add(node);
    }
  }
}

/** Whether an ancestor may count what a log of this kind counts. */
function isOfKind(ancestor: SpanNode, kind: SpanNode['kind']): boolean {
  if (kind === 'tool') return ancestor.kind === 'tool';
  return ancestor.kind === 'model' || (ancestor.kind === 'generic' && !isStep(ancestor));
}

/** Whether the log counts nothing: agents do not, and of generic logs the vocabulary may know. */
function isStep({ kind, span, recognitions }: SpanNode): boolean {
  if (kind === 'agent') return true;
  if (kind !== 'generic' || !span || recognitions?.length !== 1) return false;
  return recognitions[0]?.convention.isStep?.(span) === true;
}

/** One cheap look at each log. Most runs have nothing to compare. */
function survey(logs: readonly SpanNode[]): { mayHaveDuplicates: boolean; hasTools: boolean } {
  let callCount = 0;
  let toolCount = 0;
  let hasRequests = false;
  let scope: string | undefined;
  let hasScopes = false;
  for (const { kind, span, reading } of logs) {
    if (kind === 'tool' && span) {
      toolCount++;
      hasRequests ||= roleInMcp(span) !== undefined;
      const { name } = scopeOf(span);
      hasScopes ||= scope !== undefined && scope !== name;
      scope = name;
    } else if (isCall(kind, reading)) {
      callCount++;
    }
  }
  const mayHaveDuplicates = callCount > 1 || (toolCount > 1 && (hasRequests || hasScopes));
  return { mayHaveDuplicates, hasTools: toolCount > 0 };
}

/** Only logs that are calls or have token counts can be counted twice. */
function isCall(kind: SpanNode['kind'], reading: Reading | undefined): boolean {
  return kind === 'model' || (kind === 'generic' && reading?.promptTokens !== undefined);
}

function resolveRun(nodes: readonly SpanNode[]): void {
  const calls = new Map<SpanNode, CallSpan>();
  for (const node of nodes) addCall(node, calls);
  const corrections = resolveDuplicates([...calls.values()]);
  if (corrections.size === 0) return;
  const nodeOf = new Map([...calls].map(([node, call]) => [call, node]));
  for (const [call, { kind, reading, keeper }] of corrections) {
    const node = nodeOf.get(call);
    if (!node) continue;
    if (kind !== 'plumbing') {
      node.kind = kind;
      node.reading = reading;
      continue;
    }
    if (keeper && call.kind === 'model') warnOfDouble(keeper.scope, call.scope);
    const keeperNode = keeper && nodeOf.get(keeper);
    if (keeperNode && !node.entry) makePlumbing(node, keeperNode);
    else if (call.kind === 'model') {
      // Its log was posted while the span was open.
      node.kind = 'generic';
      node.reading = withoutOwnUsage(reading);
    }
  }
}

/** Creates the calls of a node and its ancestors, parents first, since each needs its parent's. */
function addCall(node: SpanNode, calls: Map<SpanNode, CallSpan>): void {
  const path: SpanNode[] = [];
  let step: SpanNode | undefined = node;
  for (; step && !calls.has(step); step = findAncestor(step, isRead)) path.push(step);
  let parent = step && calls.get(step);
  for (const read of path.reverse()) {
    const { span, kind, reading } = read;
    if (!span || !kind || !reading) continue;
    parent = callSpanOf(span, kind, reading, parent);
    calls.set(read, parent);
  }
}

function isRead({ reading }: SpanNode): boolean {
  return reading !== undefined;
}
