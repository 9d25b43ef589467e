/** Calls and judgements of several traces that have to be looked at together, as far as is known. */
import { type CallKey, CLOCKS_MILLIS } from '../store/ingest.ts';
import { JUDGE, type OwnKey } from './linking/call-keys.ts';
import type { Candidate, Candidates } from './linking/join-calls.ts';

/** All trees of a portion are in memory, and their traces are locked, at once; and so are logs of its calls. */
const TRACES_OF_PORTION = 50;
const CALLS_OF_PORTION = 200;

export class FoundCandidates implements Candidates {
  readonly calls = new Map<string, Candidate>();
  readonly judgements = new Map<string, Set<string>>();
  /** Leads from each reference id to one of those that it has to be looked at with, and from that to another, or itself. */
  readonly #groups = new Map<string, string>();

  addFound(wanted: readonly OwnKey[], found: readonly CallKey[]): void {
    const byKey = new Map<string, CallKey[]>();
    for (const each of found) {
      const list = byKey.get(each.key);
      if (list) list.push(each);
      else byKey.set(each.key, [each]);
    }
    for (const own of wanted) for (const other of byKey.get(own.key) ?? []) this.#addPair(own, other);
  }

  addCall(referenceId: string, candidate: Candidate): void {
    this.calls.set(referenceId, { ...this.calls.get(referenceId), ...candidate });
  }

  /** Returns the candidates in portions. Those that may be the same call are in one, however many traces that has. */
  inPortions(): FoundCandidates[] {
    const groups = new Map<string, string[]>();
    for (const referenceId of [...this.calls.keys(), ...this.judgements.keys()]) {
      const name = this.#groupOf(referenceId);
      const group = groups.get(name);
      if (group) group.push(referenceId);
      else groups.set(name, [referenceId]);
    }
    const portions: FoundCandidates[] = [];
    let portion = new FoundCandidates();
    const traces = new Set<string>();
    for (const group of groups.values()) {
      const ofGroup = group.map((referenceId) => referenceId.slice(0, 32));
      const isFull =
        new Set([...traces, ...ofGroup]).size > TRACES_OF_PORTION || portion.calls.size >= CALLS_OF_PORTION;
      if (portions.length === 0 || isFull) {
        portion = new FoundCandidates();
        portions.push(portion);
        traces.clear();
      }
      for (const traceId of ofGroup) traces.add(traceId);
      for (const referenceId of group) portion.#copy(referenceId, this);
    }
    return portions;
  }

  #copy(referenceId: string, { calls, judgements }: FoundCandidates): void {
    const [call, callIds] = [calls.get(referenceId), judgements.get(referenceId)];
    if (call) this.calls.set(referenceId, call);
    if (callIds) this.judgements.set(referenceId, callIds);
  }

  #addPair(own: OwnKey, other: CallKey): void {
    const judgement = [own, other].find(({ reporter }) => reporter === JUDGE);
    const call = [own, other].find(({ reporter }) => reporter !== JUDGE);
    if (!call || (!judgement && !mayBeSame(own, other))) return;
    if (judgement) this.#addJudgement(judgement.referenceId, own.key);
    for (const { referenceId, reporter, key } of judgement ? [call] : [own, other]) {
      const known = this.calls.get(referenceId);
      // One call may be of thousands of pairs.
      if (known?.reporter === reporter && (!own.isQuestion || known.question === key)) continue;
      this.addCall(referenceId, { reporter, ...(own.isQuestion && { question: key }) });
    }
    this.#groups.set(this.#groupOf(own.referenceId), this.#groupOf(other.referenceId));
  }

  #addJudgement(referenceId: string, callId: string): void {
    const known = this.judgements.get(referenceId);
    if (known) known.add(callId);
    else this.judgements.set(referenceId, new Set([callId]));
  }

  #groupOf(referenceId: string): string {
    let name = referenceId;
    for (let next = this.#groups.get(name); next !== undefined && next !== name; next = this.#groups.get(name)) {
      name = next;
    }
    if (name !== referenceId) this.#groups.set(referenceId, name);
    return name;
  }
}

/** The reference of a call begins with the id of its trace. */
function traceOf({ referenceId }: CallKey): string {
  return referenceId.slice(0, 32);
}

function mayBeSame(first: CallKey, second: CallKey): boolean {
  return (
    first.reporter !== second.reporter &&
    first.startMillis <= second.endMillis + CLOCKS_MILLIS &&
    second.startMillis <= first.endMillis + CLOCKS_MILLIS &&
    traceOf(first) !== traceOf(second)
  );
}
