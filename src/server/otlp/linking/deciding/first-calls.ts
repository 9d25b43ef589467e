/** Which model an agent used that names none: that of the first call below it. */
import type { LogKind } from '../../../../conventions/convention.ts';
import type { Recipe, Skeleton } from '../skeletons/skeleton.ts';
import type { Tree } from '../skeletons/tree.ts';

/** What a log is once its call has been compared with others, wherever it hangs. */
export interface Standing {
  readonly kind: LogKind;
  readonly keeperId: string | undefined;
  readonly recipe: Recipe | undefined;
  readonly model: string | undefined;
}

export interface FirstCall {
  readonly startMillis: number;
  readonly spanId: string;
  readonly model: string;
  readonly provider: string | undefined;
}

/** Finds the first model call below each span, if there is an agent that names no model. */
export function findFirstCalls(
  tree: Tree,
  standings: ReadonlyMap<Skeleton, Standing>,
): ReadonlyMap<Skeleton, FirstCall> {
  const found = new Map<Skeleton, FirstCall>();
  let isAsked = false;
  for (const { kind, model } of standings.values()) isAsked ||= kind === 'agent' && model === undefined;
  if (!isAsked) return found;
  const calls: [Skeleton, FirstCall][] = [];
  for (const [node, { kind, keeperId, model, recipe }] of standings) {
    if (kind !== 'model' || keeperId !== undefined || model === undefined) continue;
    const provider = node.own?.provider ?? fillersProvider(tree, recipe);
    calls.push([node, { startMillis: node.startMillis, spanId: node.spanId, model, provider }]);
  }
  // A span that has a call has the first one, and so have all above it: each is looked at once.
  for (const [node, call] of calls.sort(([, first], [, second]) => (isEarlier(first, second) ? -1 : 1))) {
    for (let step = tree.above(node); step && !found.has(step); step = tree.above(step)) found.set(step, call);
  }
  return found;
}

type Started = Pick<FirstCall, 'startMillis' | 'spanId'>;

/** Of calls that started at once, one is always the first. */
export function isEarlier(call: Started, than: Started | undefined): boolean {
  if (!than || call.startMillis !== than.startMillis) return !than || call.startMillis < than.startMillis;
  return call.spanId < than.spanId;
}

function fillersProvider(tree: Tree, recipe: Recipe | undefined): string | undefined {
  for (const spanId of recipe?.fillers ?? []) {
    const provider = tree.get(spanId)?.own?.provider;
    if (provider !== undefined) return provider;
  }
  return undefined;
}
