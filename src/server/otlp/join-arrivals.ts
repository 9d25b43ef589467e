/**
 * After what has come of each trace is linked: looks for calls, and judgements of calls, that other traces have, too. Each
 * request looks after its own commit, so of two that are written at once, the later one finds the other.
 */
import type { IngestFault } from '../store/ingest.ts';
import { takeSteps } from '../store/steps.ts';
import type { Store } from '../store/store.ts';
import { FoundCandidates } from './found-candidates.ts';
import { joinCalls } from './linking/join-calls.ts';
import type { Findings } from './linking/link-traces.ts';
import type { TreeMemo } from './linking/skeletons/tree-memo.ts';

/** Each round adds what calls of the one before were joined with, or may be now. */
const MAX_ROUNDS = 8;
/**
 * Of a key that very many have, no more than the latest are found for all that are looked for together. These are joined
 * before the next are looked for: calls that ask the same at overlapping times would become one portion of any size.
 */
const CALLS_AT_ONCE = 200;

export async function joinArrivals(
  store: Pick<Store, 'findCalls' | 'ingest'>,
  trees: TreeMemo,
  { calls, unsettled }: Pick<Findings, 'calls' | 'unsettled'>,
): Promise<readonly IngestFault[]> {
  const faults: IngestFault[] = [];
  const join = async (candidates: FoundCandidates): Promise<void> => {
    for (const portion of candidates.inPortions()) faults.push(...(await joinPortion(store, trees, portion)));
  };
  const inOrder = [...calls].sort((first, second) => first.startMillis - second.startMillis);
  for (let at = 0; at < inOrder.length; at += CALLS_AT_ONCE) {
    const some = inOrder.slice(at, at + CALLS_AT_ONCE);
    const found = await store.findCalls(some);
    // The latest of a key, which are found, may all be later than these.
    const near = inOrder.slice(Math.max(0, at - CALLS_AT_ONCE), at + CALLS_AT_ONCE);
    const candidates = new FoundCandidates();
    await takeSteps(candidates.addFound(some, [...found, ...near]));
    await join(candidates);
  }
  const again = new FoundCandidates();
  for (const [referenceId, saysMore] of unsettled) again.addCall(referenceId, { isUnsettled: true, saysMore });
  await join(again);
  return faults;
}

async function joinPortion(
  store: Pick<Store, 'findCalls' | 'ingest'>,
  trees: TreeMemo,
  candidates: FoundCandidates,
): Promise<readonly IngestFault[]> {
  const faults: IngestFault[] = [];
  /** Reference ids of calls with which all were found that they may be joined with. */
  const compared = new Set<string>();
  let left: readonly string[] = [];
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const joining = joinCalls(candidates, trees);
    faults.push(...(await store.ingest(joining.traceIds, joining.work)));
    const missing = joining.missing();
    const regrouped = joining.regrouped().filter(({ referenceId }) => !compared.has(referenceId));
    left = [...missing, ...regrouped.map(({ referenceId }) => referenceId)];
    if (left.length === 0) return faults;
    for (const referenceId of missing) candidates.addCall(referenceId, {});
    for (const { referenceId } of regrouped) compared.add(referenceId);
    if (regrouped.length > 0) await takeSteps(candidates.addFound(regrouped, await store.findCalls(regrouped)));
  }
  const message = 'its call was not compared with those of other traces, which too many others report';
  return [...faults, ...left.slice(0, 1).map((referenceId) => ({ referenceId, message }))];
}
