/**
 * What becomes of the logs of a trace, from all that is known of it: which spans report the same call, under which log
 * each hangs, and which model an agent used. It depends on the set of spans only, not on how they came.
 */
import type { LogKind } from '../../conventions/convention.ts';
import type { CallSpan, Correction } from '../../trace/same-call/call-span.ts';
import { resolveDuplicates } from '../../trace/same-call/same-call.ts';
import { OWN_CONTENT } from './compose.ts';
import { type CallSummary, isSameOutcome, type Outcome, type Recipe, type Skeleton } from './skeleton.ts';
import { recipeOf, toCallSpan } from './summarise.ts';
import type { Tree } from './tree.ts';

/** A span that is a log by itself. */
export type LogNode = Skeleton & { readonly own: CallSummary };

/** What a log is once its call has been compared with others, wherever it hangs. */
interface Standing {
  readonly kind: LogKind;
  readonly keeperId: string | undefined;
  readonly recipe: Recipe | undefined;
  readonly model: string | undefined;
}

interface FirstCall {
  readonly startMillis: number;
  readonly spanId: string;
  readonly model: string;
  readonly provider: string | undefined;
}

/** What is new in the trace, by span id. */
export interface News {
  readonly arrived: ReadonlySet<string>;
  /** Spans to which log events with content have come. */
  readonly withEvents: ReadonlySet<string>;
  readonly hasCutCircle: boolean;
}

/** Returns the outcomes that differ from what is written, those of new logs among them. */
export function decideOutcomes(
  tree: Tree,
  { arrived, withEvents, hasCutCircle }: News,
): Map<LogNode, Outcome> {
  const logs = logsOf(tree);
  const corrections = mayHaveDuplicates(tree, logs) ? resolve(tree, logs) : undefined;
  const standingOf = (node: LogNode): Standing => {
    const correction = corrections?.get(node);
    if (!correction) return { kind: node.own.kind, keeperId: undefined, recipe: undefined, model: node.own.model };
    const { kind, keeper, reading } = correction;
    if (kind === 'plumbing') {
      return { kind: node.own.kind, keeperId: keeper?.spanId, recipe: undefined, model: undefined };
    }
    return { kind, keeperId: undefined, recipe: recipeOf(node.spanId, node.own, correction), model: reading.model };
  };
  const isPlumbing = (node: Skeleton) => node.own === undefined || standingOf(node as LogNode).keeperId !== undefined;
  const firstCalls = findFirstCalls(tree, logs, standingOf);
  const changed = new Map<LogNode, Outcome>();
  for (const node of logs) {
    const { written, own, spanId } = node;
    const mayHaveMoved = !written || written.parentId === undefined || arrived.has(written.parentId);
    const isAgent = own.kind === 'agent' || written?.kind === 'agent';
    if (!corrections && !mayHaveMoved && !isAgent && !hasCutCircle && !withEvents.has(spanId)) continue;
    const standing = standingOf(node);
    const parentId = findParentId(tree, node, isPlumbing);
    const outcome: Outcome = {
      kind: standing.kind,
      keeperId: standing.keeperId,
      parentId: standing.keeperId === undefined ? parentId : undefined,
      recipe: standing.keeperId === undefined ? completeRecipe(node, standing, firstCalls, withEvents) : undefined,
    };
    if (!written || !isSameOutcome(written, outcome)) changed.set(node, outcome);
  }
  return changed;
}

export function logsOf(tree: Tree): LogNode[] {
  const logs: LogNode[] = [];
  for (const node of tree.nodes.values()) if (node.own) logs.push(node as LogNode);
  return logs;
}

/**
 * Returns false if no log can report a call that another one has, whatever the spans say: all are of one
 * instrumentation, and none that counts something is below another of its kind.
 */
function mayHaveDuplicates(tree: Tree, logs: readonly LogNode[]): boolean {
  const scope = logs[0]?.own.scope;
  for (const { own } of logs) if (own.scope !== scope || own.tool?.mcpRole !== undefined) return true;
  /** For each span, the kinds of the logs at and above it. */
  const kindsAt = new Map<Skeleton, number>();
  for (const node of logs) {
    const path: Skeleton[] = [];
    let step: Skeleton | undefined = node;
    for (; step && !kindsAt.has(step); step = tree.above(step)) path.push(step);
    let kinds = step ? (kindsAt.get(step) as number) : 0;
    for (const below of path.reverse()) {
      const own = bitOf(below.own?.kind);
      if ((kinds & own) !== 0) return true;
      kinds |= own;
      kindsAt.set(below, kinds);
    }
  }
  return false;
}

/** A generic log may be a call. */
function bitOf(kind: LogKind | undefined): number {
  return kind === 'model' || kind === 'generic' ? 1 : kind === 'tool' ? 2 : 0;
}

function resolve(tree: Tree, logs: readonly LogNode[]): Map<LogNode, Correction> {
  const calls = new Map<LogNode, CallSpan>();
  for (const node of logs) {
    const path: LogNode[] = [];
    let step: LogNode | undefined = node;
    for (; step && !calls.has(step); step = ownLogAbove(tree, step)) path.push(step);
    let parent = step && calls.get(step);
    for (const below of path.reverse()) {
      parent = toCallSpan(below, below.own, parent);
      calls.set(below, parent);
    }
  }
  const corrections = resolveDuplicates([...calls.values()]);
  const found = new Map<LogNode, Correction>();
  for (const [node, call] of calls) {
    const correction = corrections.get(call);
    if (correction) found.set(node, correction);
  }
  return found;
}

function ownLogAbove(tree: Tree, node: LogNode): LogNode | undefined {
  for (let step = tree.above(node); step; step = tree.above(step)) if (step.own) return step as LogNode;
  return undefined;
}

/**
 * Returns the nearest ancestor that is a log, or else the first one that has not come: it may be a log. One of another
 * process may never come here.
 */
function findParentId(tree: Tree, node: Skeleton, isPlumbing: (node: Skeleton) => boolean): string | undefined {
  for (let step: Skeleton = node; ; ) {
    const above = tree.above(step);
    if (!above) return step.isRemoteParent ? undefined : step.parentId;
    if (!isPlumbing(above)) return above.spanId;
    step = above;
  }
}

function completeRecipe(
  node: LogNode,
  { kind, recipe, model }: Standing,
  firstCalls: ReadonlyMap<Skeleton, FirstCall>,
  withEvents: ReadonlySet<string>,
): Recipe | undefined {
  const call = kind === 'agent' && model === undefined ? firstCalls.get(node) : undefined;
  const hasEvents = withEvents.has(node.spanId) || node.written?.recipe?.hasEvents === true;
  if (!call && !hasEvents) return recipe;
  return {
    ...(recipe ?? OWN_CONTENT),
    model: call?.model,
    provider: node.own.provider ?? call?.provider,
    hasEvents,
  };
}

/** Finds the first model call below each span, if there is an agent that names no model. */
function findFirstCalls(
  tree: Tree,
  logs: readonly LogNode[],
  standingOf: (node: LogNode) => Standing,
): ReadonlyMap<Skeleton, FirstCall> {
  const found = new Map<Skeleton, FirstCall>();
  const isAsked = logs.some((node) => {
    const { kind, model } = standingOf(node);
    return kind === 'agent' && model === undefined;
  });
  if (!isAsked) return found;
  for (const node of logs) {
    const { kind, keeperId, model, recipe } = standingOf(node);
    if (kind !== 'model' || keeperId !== undefined || model === undefined) continue;
    const provider = node.own.provider ?? fillersProvider(tree, recipe);
    const call: FirstCall = { startMillis: node.startMillis, spanId: node.spanId, model, provider };
    for (let step = tree.above(node); step && isEarlier(call, found.get(step)); step = tree.above(step)) {
      found.set(step, call);
    }
  }
  return found;
}

function isEarlier(call: FirstCall, than: FirstCall | undefined): boolean {
  if (!than || call.startMillis !== than.startMillis) return !than || call.startMillis < than.startMillis;
  return call.spanId < than.spanId;
}

function fillersProvider(tree: Tree, recipe: Recipe | undefined): string | undefined {
  for (const spanId of recipe?.fillers ?? []) {
    const provider = tree.nodes.get(spanId)?.own?.provider;
    if (provider !== undefined) return provider;
  }
  return undefined;
}
