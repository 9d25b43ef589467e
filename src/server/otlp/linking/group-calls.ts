/** Which of many reports are of the same call. Pure. */
import { type CallFacts, isSameCallElsewhere } from '../../../trace/same-call/call-facts.ts';
import type { Elsewhere, Skeleton } from './skeletons/skeleton.ts';

export interface Call {
  readonly referenceId: string;
  readonly traceId: string;
  readonly node: Skeleton;
  readonly facts: CallFacts;
  readonly says: Pick<Elsewhere, 'reporter' | 'question' | 'isBelowLog'>;
}

interface Group {
  readonly number: number;
  readonly keeper: Call;
  readonly calls: Call[];
  readonly traceIds: Set<string>;
  readonly scopes: Set<string>;
}

/** Returns the calls, each with the reports of it, the one that has the log first: if there is one, one that is stored. */
export function groupCalls(calls: readonly Call[], isStored: (call: Call) => boolean): Call[][] {
  const groups: Group[] = [];
  /** Thousands may have one question. Only those are compared that also agree on the answer, or may. */
  const byName = new Map<string, Group[]>();
  const storedFirst = (a: Call, b: Call) => Number(isStored(b)) - Number(isStored(a));
  for (const call of [...calls].sort((a, b) => storedFirst(a, b) || byPreference(a, b))) {
    const { own, wanted } = namesOf(call.facts);
    let group: Group | undefined;
    for (const name of wanted) {
      const found = byName.get(name)?.find((each) => mayJoin(each, call));
      if (found && (!group || found.number < group.number)) group = found;
    }
    if (!group) {
      group = { number: groups.length, keeper: call, calls: [], traceIds: new Set(), scopes: new Set() };
      groups.push(group);
      for (const name of own) {
        const named = byName.get(name);
        if (named) named.push(group);
        else byName.set(name, [group]);
      }
    }
    group.calls.push(call);
    group.traceIds.add(call.traceId);
    group.scopes.add(call.facts.scope);
  }
  return groups.map((group) => group.calls);
}

function mayJoin({ keeper, traceIds, scopes }: Group, { traceId, facts }: Call): boolean {
  return !scopes.has(facts.scope) && !traceIds.has(traceId) && isSameCallElsewhere(keeper.facts, facts);
}

/** Of two calls that are the same (`isSameCallElsewhere`), each is wanted under a name that is the other's own. */
export function namesOf({ callId, question, answer, hasUsage, outputTokens }: CallFacts): {
  readonly own: readonly string[];
  readonly wanted: readonly string[];
} {
  const byId = callId === undefined ? [] : [`id ${callId}`];
  if (question === undefined) return { own: byId, wanted: byId };
  const byAnswer = answer === undefined ? byId : [...byId, `answer ${question} ${answer}`];
  if (!hasUsage) return { own: byAnswer, wanted: byAnswer };
  // Usage counts where one of both has no answer.
  const withAnswer = `usage ${question} ${outputTokens} answer`;
  const withoutAnswer = `usage ${question} ${outputTokens}`;
  if (answer === undefined) return { own: [...byId, withoutAnswer], wanted: [...byId, withoutAnswer, withAnswer] };
  return { own: [...byAnswer, withAnswer], wanted: [...byAnswer, withoutAnswer] };
}

function byPreference(first: Call, second: Call): number {
  return (
    second.facts.score - first.facts.score ||
    Number(second.says.isBelowLog) - Number(first.says.isBelowLog) ||
    first.facts.startMillis - second.facts.startMillis ||
    (first.referenceId < second.referenceId ? -1 : 1)
  );
}
