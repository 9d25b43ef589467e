/**
 * Remembers the last calls of the process, since two instrumentations may report a call in traces of their own. Bounded
 * by their number: those of two generations, of which the older one is forgotten as a whole. A call is known by its
 * response id; its content is compared until so many calls were seen that two instrumentations of the same calls would
 * have shown.
 */
import type { LogEntry } from '../../delivery/ledger/log-entry.ts';
import type { Keeper, SpanNode } from '../span-node.ts';
import { type CallFacts, isSameCallElsewhere } from './call-facts.ts';

/** Calls of a generation. */
const MAX_CALLS = 1_000;
/** Content is compared for so many calls, also if all come from one instrumentation. */
const FIRST_CALLS = 100;
/** If several instrumentations have reported so many calls, and none twice, they report different calls. */
const CALLS_OF_SEVERAL = 1_000;
/** So many calls with one question are compared. */
const MAX_COMPARED = 16;
const NONE: readonly string[] = [];

export interface RecentCall {
  readonly facts: CallFacts;
  /** Further instrumentations whose spans of this call were seen. Another span of one of them is another call. */
  otherScopes: readonly string[];
  /** The span that has its log: ids, since an entry would keep those of its whole trace in memory. */
  readonly traceId: string;
  readonly spanId: string;
  /** False until the log is written. */
  hasLog: boolean;
}

/** A call that was found, and what has its log. */
export interface FoundCall {
  readonly call: RecentCall;
  readonly keeper: Keeper;
  readonly entry: LogEntry;
}

/** Calls by what they have in common: mostly one, or else a list, in the order in which they came. */
type CallsByKey = Map<string, RecentCall | RecentCall[]>;

class Generation {
  readonly byId: CallsByKey = new Map();
  readonly byQuestion: CallsByKey = new Map();
  count = 0;
}

export class RecentCalls {
  #older = new Generation();
  #newer = new Generation();
  /** Calls whose logs were not written yet. */
  #unwritten: { readonly call: RecentCall; readonly node: SpanNode }[] = [];
  readonly #logOf: (call: RecentCall) => Keeper;
  readonly #scopes = new Set<string>();
  /** Since the first call of the newest instrumentation. */
  #count = 0;
  #isConfirmed = false;

  /** `logOf` finds what has the log of a call. */
  constructor(logOf: (call: RecentCall) => Keeper) {
    this.#logOf = logOf;
  }

  /** Counts a call of an instrumentation. Returns true if it is the first one of that. */
  see(scope: string): boolean {
    this.#count++;
    if (this.#scopes.has(scope)) return false;
    this.#scopes.add(scope);
    this.#count = 1;
    return true;
  }

  knows(scope: string): boolean {
    return this.#scopes.has(scope);
  }

  /** Call this when two instrumentations have reported the same call. */
  confirm(): void {
    this.#isConfirmed = true;
  }

  /** Whether another instrumentation may report the same calls. */
  get comparesContent(): boolean {
    return this.#isConfirmed || this.#count <= (this.#scopes.size > 1 ? CALLS_OF_SEVERAL : FIRST_CALLS);
  }

  /** Finds a call that another instrumentation has reported before, and that has a log. */
  find(facts: CallFacts): FoundCall | undefined {
    this.#noteLogs();
    const { callId, question } = facts;
    const sameId = callId === undefined ? undefined : this.#findIn(this.#callsOf('byId', callId), facts);
    if (sameId || question === undefined) return sameId;
    return this.#findIn(this.#callsOf('byQuestion', question).slice(-MAX_COMPARED), facts);
  }

  #findIn(calls: readonly RecentCall[], facts: CallFacts): FoundCall | undefined {
    for (const call of calls) {
      if (!call.hasLog || call.otherScopes.includes(facts.scope) || !isSameCallElsewhere(call.facts, facts)) continue;
      const keeper = this.#logOf(call);
      const { entry } = keeper;
      if (entry && entry.state !== 'dropped') return { call, keeper, entry };
    }
    return undefined;
  }

  /** Oldest first. */
  #callsOf(index: 'byId' | 'byQuestion', key: string): readonly RecentCall[] {
    return [...callsAt(this.#older[index], key), ...callsAt(this.#newer[index], key)];
  }

  /** Remembers a call whose log is written next, or was written before. */
  add(facts: CallFacts, node: SpanNode, otherScopes = NONE): void {
    if (facts.callId === undefined && facts.question === undefined) return;
    this.#noteLogs();
    const { trace, spanId } = node;
    const call: RecentCall = { facts, otherScopes, traceId: trace.traceId, spanId, hasLog: node.entry !== undefined };
    if (!call.hasLog) this.#unwritten.push({ call, node });
    if (this.#newer.count >= MAX_CALLS) {
      this.#older = this.#newer;
      this.#newer = new Generation();
    }
    this.#newer.count++;
    if (facts.callId !== undefined) addTo(this.#newer.byId, facts.callId, call);
    if (facts.question !== undefined) addTo(this.#newer.byQuestion, facts.question, call);
  }

  /** Done later, so that no trace is kept in memory by its calls. */
  #noteLogs(): void {
    if (this.#unwritten.length === 0) return;
    this.#unwritten = this.#unwritten.filter(({ call, node }) => {
      call.hasLog = node.entry !== undefined;
      return !call.hasLog && node.state !== 'retired';
    });
  }
}

function callsAt(calls: CallsByKey, key: string): readonly RecentCall[] {
  const found = calls.get(key);
  return found === undefined ? [] : Array.isArray(found) ? found : [found];
}

function addTo(calls: CallsByKey, key: string, call: RecentCall): void {
  const present = calls.get(key);
  if (present === undefined) calls.set(key, call);
  else if (Array.isArray(present)) present.push(call);
  else calls.set(key, [present, call]);
}
