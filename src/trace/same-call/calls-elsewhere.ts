/**
 * One model call that two instrumentations report in traces of their own: an agent SDK's instrumentation has a root of
 * its own for each run, and the client library's span is not below it.
 *
 * The log is that of the span that says more; of two that say the same, that of the one below an agent or chain; else
 * that of the earlier one. The client's span is mostly the first to be worked off, so the other is looked for among the
 * spans that are not. A log that is posted stays: of the other span, only an output or error that it lacks is sent.
 */
import type { Reading } from '../../conventions/convention.ts';
import { millisOf } from '../../otel/hr-time.ts';
import { scopeOf } from '../../otel/span-slice.ts';
import { kindNow, mayBecomeCall } from '../select-spans.ts';
import type { SpanNode } from '../span-node.ts';
import { type CallFacts, callFactsOf, isSameCallElsewhere, shortFactsOf, TOLERANCE_MILLIS } from './call-facts.ts';
import { filledWith } from './merge-readings.ts';
import { RecentCalls } from './recent-calls.ts';
import { findLogAbove, makePlumbing, type ResolverHost } from './resolver-host.ts';
import { warnOfDouble } from './warn-of-double.ts';

/** So many searches of an instrumentation's calls may find nothing; then no more are made. */
const MAX_VAIN_SEARCHES = 64;
/** Bounds one search. */
const MAX_SEARCHED = 2_000;

interface Found {
  readonly node: SpanNode;
  readonly facts: CallFacts;
}

export class CallsElsewhere {
  readonly #host: ResolverHost;
  readonly #recent: RecentCalls;
  /** By scope; Infinity once another instrumentation was found that reports the same calls. */
  readonly #searchesLeft = new Map<string, number>();
  /** The scopes whose spans of the same call were added to a span that is not worked off. */
  readonly #absorbedScopes = new WeakMap<SpanNode, Set<string>>();
  readonly #facts = new WeakMap<SpanNode, CallFacts>();
  readonly #hasWaited = new WeakSet<SpanNode>();

  constructor(host: ResolverHost) {
    this.#host = host;
    this.#recent = new RecentCalls(({ traceId, spanId }) => host.logOf(traceId, spanId));
  }

  /**
   * Compares a call whose log is about to be written, and makes it plumbing if another log has it. Returns true if it
   * has to wait for a span of another trace.
   */
  compare(node: SpanNode, reading: Reading): boolean {
    const { span } = node;
    if (!span || node.state === 'open') return false;
    const { name: scope } = scopeOf(span);
    // A new instrumentation may report the calls of any other.
    if (this.#recent.see(scope)) this.#searchAgain();
    const facts = callFactsOf(span, reading, this.#recent.comparesContent);
    if (!facts) return false;
    const scopes = new Set(this.#absorbedScopes.get(node)).add(scope);
    if (!node.entry) {
      if (this.#hasLog(node, facts)) return false;
      const left = this.#searchesLeft.get(scope) ?? MAX_VAIN_SEARCHES;
      if (left > 0) {
        const found = this.#search(node, facts, scopes);
        if (!found) this.#searchesLeft.set(scope, left - 1);
        else if ('open' in found) {
          this.#searchesLeft.set(scope, left - 1);
          if (this.#wait(node, found.open)) return true;
        } else if (this.#merge(node, reading, facts, found, scopes)) return false;
      }
    }
    this.#recent.add(facts, node, [...scopes]);
    return false;
  }

  /** Whether the calls of an instrumentation are still compared with those of others, by more than their ids. */
  maySearch(scope: string): boolean {
    return (
      this.#recent.comparesContent ||
      !this.#recent.knows(scope) ||
      (this.#searchesLeft.get(scope) ?? MAX_VAIN_SEARCHES) > 0
    );
  }

  /** Does what `compare` does if the calls of the instrumentation are not compared any more. */
  remember(node: SpanNode): void {
    const { span, reading, short } = node;
    if (!span) return;
    const { name: scope } = scopeOf(span);
    this.#recent.see(scope);
    const facts = reading ? callFactsOf(span, reading, false) : short && shortFactsOf(span, short);
    if (facts) this.#recent.add(facts, node);
  }

  #hasLog(node: SpanNode, facts: CallFacts): boolean {
    const found = this.#recent.find(facts);
    if (!found) return false;
    const { call, keeper, entry } = found;
    call.otherScopes = [...call.otherScopes, facts.scope];
    const { hasAnswer, hasError } = call.facts;
    this.#host.fillIn(entry, node, { output: !hasAnswer, error: !hasError });
    makePlumbing(node, keeper);
    this.#confirm(call.facts.scope, facts.scope);
    return true;
  }

  #searchAgain(): void {
    for (const [scope, left] of this.#searchesLeft) if (Number.isFinite(left)) this.#searchesLeft.delete(scope);
  }

  /** Looks for the span among those of other traces. If none of these is the same call, returns the
   * latest of the open ones that may be. */
  #search(node: SpanNode, facts: CallFacts, scopes: ReadonlySet<string>): Found | { open: SpanNode } | undefined {
    let open: SpanNode | undefined;
    let openSinceMillis = 0;
    let count = 0;
    for (const other of this.#host.unretiredNodes()) {
      if (++count > MAX_SEARCHED) break;
      const { span, state, trace, isNoLog, entry } = other;
      if (!span || trace === node.trace || isNoLog || scopes.has(scopeOf(span).name)) continue;
      const startMillis = millisOf(span.startTime) ?? 0;
      if (startMillis > facts.endMillis + TOLERANCE_MILLIS) continue;
      if (state === 'open') {
        const isAround = startMillis <= facts.startMillis + TOLERANCE_MILLIS && startMillis >= openSinceMillis;
        if (!isAround || !mayBecomeCall(other, this.#host.select)) continue;
        open = other;
        openSinceMillis = startMillis;
        continue;
      }
      if (entry || (millisOf(span.endTime) ?? 0) + TOLERANCE_MILLIS < facts.startMillis || !this.#isCall(other))
        continue;
      const of = this.#factsOf(other);
      if (!of || this.#absorbedScopes.get(other)?.has(facts.scope)) continue;
      if (isSameCallElsewhere(facts, of)) return { node: other, facts: of };
    }
    return open && { open };
  }

  #isCall(node: SpanNode): boolean {
    return kindNow(node, this.#host.select) === 'model';
  }

  #factsOf(node: SpanNode): CallFacts | undefined {
    const known = this.#facts.get(node);
    if (known) return known;
    const reading = node.reading ?? this.#host.read(node);
    const facts = node.span && reading && callFactsOf(node.span, reading, true);
    if (facts) this.#facts.set(node, facts);
    return facts;
  }

  /** Makes one of the two plumbing. Returns true if that is the first. */
  #merge(node: SpanNode, reading: Reading, facts: CallFacts, other: Found, scopes: Set<string>): boolean {
    if (this.#isPreferred(node, facts, other)) {
      const more = this.#host.read(other.node);
      if (more) node.reading = filledWith(reading, more);
      makePlumbing(other.node, node);
      scopes.add(other.facts.scope);
      this.#confirm(facts.scope, other.facts.scope);
      return false;
    }
    this.#host.absorb(other.node, reading, node.estimatedBytes);
    makePlumbing(node, other.node);
    const absorbed = this.#absorbedScopes.get(other.node) ?? new Set();
    this.#absorbedScopes.set(other.node, new Set([...absorbed, ...scopes]));
    this.#confirm(other.facts.scope, facts.scope);
    return true;
  }

  #isPreferred(node: SpanNode, facts: CallFacts, other: Found): boolean {
    if (facts.score !== other.facts.score) return facts.score > other.facts.score;
    const [isBelow, isOtherBelow] = [this.#isBelowLog(node), this.#isBelowLog(other.node)];
    if (isBelow !== isOtherBelow) return isBelow;
    if (facts.startMillis !== other.facts.startMillis) return facts.startMillis < other.facts.startMillis;
    return node.spanId < other.node.spanId;
  }

  #isBelowLog(node: SpanNode): boolean {
    return findLogAbove(node, this.#host) !== undefined;
  }

  /** Waits once. If the open span turns out to be another call, nothing is lost but time. */
  #wait(node: SpanNode, open: SpanNode): boolean {
    if (this.#hasWaited.has(node)) return false;
    this.#hasWaited.add(node);
    return this.#host.holdWith(node, open);
  }

  #confirm(kept: string, dropped: string): void {
    this.#recent.confirm();
    for (const scope of [kept, dropped]) this.#searchesLeft.set(scope, Number.POSITIVE_INFINITY);
    warnOfDouble(kept, dropped);
  }
}
