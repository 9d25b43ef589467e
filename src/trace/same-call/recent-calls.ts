/**
 * Remembers the last calls of the process, since two instrumentations may report a call in traces of their own. Bounded
 * by their number. A call is known by its response id; its content is compared until so many calls were seen that two
 * instrumentations of the same calls would have shown.
 */
import type { LogEntry } from '../../delivery/ledger/log-entry.ts';
import { Fifo } from '../../scheduling/fifo.ts';
import type { SpanNode } from '../span-node.ts';
import { type CallFacts, isSameCallElsewhere } from './call-facts.ts';

const MAX_CALLS = 1_000;
/** Content is compared for so many calls, also if all come from one instrumentation. */
const FIRST_CALLS = 100;
/** If several instrumentations have reported so many calls, and none twice, they report different calls. */
const CALLS_OF_SEVERAL = 1_000;
/** So many calls with one question are compared. */
const MAX_COMPARED = 16;

export interface RecentCall {
  readonly facts: CallFacts;
  /** The instrumentations whose spans of this call were seen. Another span of one of them is another call. */
  readonly scopes: string[];
  /** Its log; undefined until that is written. */
  entry: LogEntry | undefined;
}

export class RecentCalls {
  readonly #byId = new Map<string, RecentCall[]>();
  readonly #byQuestion = new Map<string, RecentCall[]>();
  readonly #order = new Fifo<RecentCall>();
  /** Calls whose logs were not written yet. */
  #unwritten: { readonly call: RecentCall; readonly node: SpanNode }[] = [];
  readonly #scopes = new Set<string>();
  /** Since the first call of the newest instrumentation. */
  #count = 0;
  #isConfirmed = false;

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
  find(facts: CallFacts): RecentCall | undefined {
    this.#noteEntries();
    const matches = (call: RecentCall) =>
      call.entry !== undefined &&
      call.entry.state !== 'dropped' &&
      !call.scopes.includes(facts.scope) &&
      isSameCallElsewhere(call.facts, facts);
    const sameId = facts.callId === undefined ? undefined : this.#byId.get(facts.callId)?.find(matches);
    if (sameId || facts.question === undefined) return sameId;
    return this.#byQuestion.get(facts.question)?.slice(-MAX_COMPARED).find(matches);
  }

  /** Remembers a call whose log is written next, or was written before. */
  add(facts: CallFacts, node: SpanNode, scopes: string[]): void {
    if (facts.callId === undefined && facts.question === undefined) return;
    this.#noteEntries();
    const call: RecentCall = { facts, scopes, entry: node.entry };
    if (!node.entry) this.#unwritten.push({ call, node });
    if (facts.callId !== undefined) addTo(this.#byId, facts.callId, call);
    if (facts.question !== undefined) addTo(this.#byQuestion, facts.question, call);
    this.#order.push(call);
    if (this.#order.length > MAX_CALLS) this.#forgetOldest();
  }

  /** Done later, so that no trace is kept in memory by its calls. */
  #noteEntries(): void {
    if (this.#unwritten.length === 0) return;
    this.#unwritten = this.#unwritten.filter(({ call, node }) => {
      call.entry = node.entry;
      return node.entry === undefined && node.state !== 'retired';
    });
  }

  #forgetOldest(): void {
    const oldest = this.#order.shift();
    if (!oldest) return;
    const { callId, question } = oldest.facts;
    if (callId !== undefined) removeFrom(this.#byId, callId, oldest);
    if (question !== undefined) removeFrom(this.#byQuestion, question, oldest);
  }
}

function addTo(calls: Map<string, RecentCall[]>, key: string, call: RecentCall): void {
  const list = calls.get(key);
  if (list) list.push(call);
  else calls.set(key, [call]);
}

function removeFrom(calls: Map<string, RecentCall[]>, key: string, call: RecentCall): void {
  const list = calls.get(key);
  // The oldest call comes first in each list.
  if (list?.[0] === call) list.shift();
  if (list?.length === 0) calls.delete(key);
}
