/**
 * After what has come of each trace is linked: looks for calls, and judgements of calls, that other traces have, too. Each
 * looks after its own commit, so of two that are written at once, the later one finds the other.
 */
import { traceIdOf } from '../../wire/reference-id.ts';
import { type CallKey, CLOCKS_MILLIS, type IngestFault } from '../store/ingest.ts';
import type { Store } from '../store/store.ts';
import { JUDGE, type OwnKey } from './linking/call-keys.ts';
import { type Candidate, joinCalls } from './linking/join-calls.ts';
import type { Findings } from './linking/link-traces.ts';
import type { TreeMemo } from './linking/tree-memo.ts';

/** Each round adds what calls of the one before were joined with. */
const MAX_ROUNDS = 5;

export async function joinArrivals(
  store: Pick<Store, 'findCalls' | 'ingest'>,
  trees: TreeMemo,
  { calls, unsettled }: Pick<Findings, 'calls' | 'unsettled'>,
): Promise<readonly IngestFault[]> {
  const candidates = new FoundCandidates();
  if (calls.length > 0) candidates.addFound(calls, await store.findCalls(calls));
  for (const [referenceId, saysMore] of unsettled) candidates.addCall(referenceId, { saysMore });
  for (let round = 0; round < MAX_ROUNDS && candidates.calls.size > 0; round++) {
    const joining = joinCalls(candidates, trees);
    const faults = await store.ingest(joining.traceIds, joining.work);
    if (joining.missing().size === 0) return faults;
    for (const referenceId of joining.missing()) candidates.addCall(referenceId, {});
  }
  return [];
}

class FoundCandidates {
  readonly calls = new Map<string, Candidate>();
  readonly judgements = new Map<string, Set<string>>();

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

  #addPair(own: OwnKey, other: CallKey): void {
    const judgement = [own, other].find(({ reporter }) => reporter === JUDGE);
    const call = [own, other].find(({ reporter }) => reporter !== JUDGE);
    if (!call || (!judgement && !mayBeSame(own, other))) return;
    if (judgement) this.#addJudgement(judgement.referenceId, own.key);
    for (const { referenceId, reporter, key } of judgement ? [call] : [own, other]) {
      this.addCall(referenceId, { reporter, ...(own.isQuestion && { question: key }) });
    }
  }

  #addJudgement(referenceId: string, callId: string): void {
    const known = this.judgements.get(referenceId);
    if (known) known.add(callId);
    else this.judgements.set(referenceId, new Set([callId]));
  }
}

function mayBeSame(first: CallKey, second: CallKey): boolean {
  return (
    first.reporter !== second.reporter &&
    traceIdOf(first.referenceId) !== traceIdOf(second.referenceId) &&
    first.startMillis <= second.endMillis + CLOCKS_MILLIS &&
    second.startMillis <= first.endMillis + CLOCKS_MILLIS
  );
}
