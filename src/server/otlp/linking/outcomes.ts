/**
 * What becomes of the logs of a trace, from all that is known of it: which spans report the same call, under which log
 * each hangs, and which model an agent used. It depends on the set of spans only, not on how they came.
 */
import type { LogKind } from '../../../conventions/convention.ts';
import type { CallSpan, Correction } from '../../../trace/same-call/call-span.ts';
import { filledWith } from '../../../trace/same-call/merge-readings.ts';
import { resolveDuplicates } from '../../../trace/same-call/same-call.ts';
import { isSameTool } from '../../../trace/same-call/tool-facts.ts';
import { CallsAlike } from './calls-alike.ts';
import { OWN_CONTENT } from './compose.ts';
import { type FirstCall, findFirstCalls, isEarlier, type Standing } from './first-calls.ts';
import { type CallSummary, isSameOutcome, type Outcome, type Recipe, type Skeleton } from './skeleton.ts';
import { recipeOf, toCallSpan } from './summarise.ts';
import type { Tree } from './tree.ts';

/** A span that is a log by itself. */
export type LogNode = Skeleton & { readonly own: CallSummary };

/**
 * Returns the outcomes that differ from what is written, those of new logs among them, by span id; and all logs that were
 * looked at. `news` are the spans that have come now, and those to which log events have come, `withEvents`.
 */
export function decideOutcomes(
  tree: Tree,
  news: Iterable<string>,
  withEvents: ReadonlySet<string>,
): { readonly changed: Map<string, Outcome>; readonly affected: readonly LogNode[] } {
  const logs = findAffected(tree, news);
  const corrections = mayHaveDuplicates(tree, logs) ? resolve(tree, logs) : undefined;
  const standings = new Map<Skeleton, Standing>();
  for (const node of logs) standings.set(node, standingOf(node, corrections?.get(node)));
  const firstCalls = findFirstCalls(tree, standings);
  const changed = new Map<string, Outcome>();
  for (const [node, standing] of standings) {
    const { written } = node;
    const { kind, keeperId } = standing;
    const outcome: Outcome = {
      kind,
      keeperId,
      parentId: keeperId === undefined ? findParentId(tree, node, standings) : undefined,
      recipe: keeperId === undefined ? completeRecipe(node, standing, firstCalls, withEvents) : undefined,
    };
    if (!written || !isSameOutcome(written, outcome)) changed.set(node.spanId, outcome);
  }
  return { changed, affected: logs };
}

function standingOf(node: Skeleton, correction: Correction | undefined): Standing {
  const { kind, model } = node.own as CallSummary;
  if (!correction) return withElsewhere(node, { kind, keeperId: undefined, recipe: undefined, model });
  if (correction.kind === 'plumbing') {
    return { kind, keeperId: correction.keeper?.spanId, recipe: undefined, model: undefined };
  }
  const recipe = recipeOf(node.spanId, node.own as CallSummary, correction);
  return withElsewhere(node, { kind: correction.kind, keeperId: undefined, recipe, model: correction.reading.model });
}

/** Of a call that spans of other traces report, too, one has the log, and what it lacks is filled in from the others. */
function withElsewhere({ elsewhere }: Skeleton, standing: Standing): Standing {
  if (!elsewhere || standing.kind !== 'model') return standing;
  if (elsewhere.keeper !== undefined) {
    return { ...standing, keeperId: elsewhere.keeper, recipe: undefined, model: undefined };
  }
  const recipe = standing.recipe ?? OWN_CONTENT;
  return { ...standing, recipe: { ...recipe, fillers: [...recipe.fillers, ...elsewhere.others] } };
}

/**
 * Returns the logs whose outcome may be another one than before. All below a log that a new span may change are among
 * them, and all that belong to calls which may be the same as one of these. In a large trace these are few.
 */
function findAffected(tree: Tree, news: Iterable<string>): LogNode[] {
  const affected = new Set<Skeleton>();
  const alike = new CallsAlike(tree);
  const logs: LogNode[] = [];
  const tops: Skeleton[] = [];
  const collect = (top: Skeleton): void => {
    const path = [top];
    for (let step = path.pop(); step; step = path.pop()) {
      if (affected.has(step)) continue;
      affected.add(step);
      for (const child of tree.below(step)) path.push(child);
      if (!step.own) continue;
      logs.push(step as LogNode);
      for (const call of alike.take(step)) if (!affected.has(call)) tops.push(topOf(tree, call));
    }
    for (const agent of agentsAbove(tree, top)) {
      if (!affected.has(agent) && mayHaveAnotherFirstCall(tree, agent, affected, logs)) tops.push(topOf(tree, agent));
    }
  };
  for (const spanId of news) tops.push(topOf(tree, tree.get(spanId) as Skeleton));
  for (let top = tops.pop(); top; top = tops.pop()) if (!affected.has(top)) collect(top);
  return logs;
}

/** Returns the highest log at or above the span that may be the same call, or counts it; else the span itself. */
function topOf(tree: Tree, node: Skeleton): Skeleton {
  let top = node;
  for (let step = tree.above(node); step; step = tree.above(step)) {
    const { own } = step;
    if (own && (own.kind === 'model' || own.kind === 'tool' || (own.kind === 'generic' && own.hasCounts))) top = step;
  }
  return top;
}

function* agentsAbove(tree: Tree, node: Skeleton): Generator<LogNode> {
  for (let step = tree.above(node); step; step = tree.above(step)) {
    if (step.own?.kind === 'agent' && step.own.model === undefined) yield step as LogNode;
  }
}

function mayHaveAnotherFirstCall(
  tree: Tree,
  { written }: LogNode,
  affected: ReadonlySet<Skeleton>,
  logs: readonly LogNode[],
): boolean {
  const callerId = written?.recipe?.calledBy;
  const first = callerId === undefined ? undefined : tree.get(callerId);
  if (first && affected.has(first)) return true;
  return logs.some((node) => node.own.kind === 'model' && isEarlier(node, first));
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

function resolve(tree: Tree, logs: readonly LogNode[]): Map<Skeleton, Correction> {
  const calls = new Map<Skeleton, CallSpan>();
  for (const node of logs) {
    const path: LogNode[] = [];
    let step: LogNode | undefined = node;
    for (; step && !calls.has(step); step = ownLogAbove(tree, step)) path.push(step);
    let parent = step && calls.get(step);
    for (const below of path.reverse()) {
      parent = callSpanOf(below, parent);
      calls.set(below, parent);
    }
  }
  const corrections = resolveDuplicates([...calls.values()]);
  const found = new Map<Skeleton, Correction>();
  for (const [node, call] of calls) {
    const correction = corrections.get(call);
    if (correction) found.set(node, correction);
  }
  joinRequests(tree, calls, found);
  return found;
}

/**
 * Joins a request to an MCP server to the tool's log above it, if those between have turned out to be plumbing. All else
 * was joined before.
 */
function joinRequests(
  tree: Tree,
  calls: ReadonlyMap<Skeleton, CallSpan>,
  corrections: Map<Skeleton, Correction>,
): void {
  const requests = [...calls.keys()].filter(({ own }) => own?.tool?.mcpRole !== undefined);
  requests.sort((a, b) => a.startMillis - b.startMillis || (a.spanId < b.spanId ? -1 : 1));
  const isLog = (node: Skeleton) => node.own !== undefined && corrections.get(node)?.kind !== 'plumbing';
  for (const node of requests) {
    if (!isLog(node)) continue;
    let above = tree.above(node);
    while (above && !isLog(above)) above = tree.above(above);
    const around = above?.own?.tool;
    const [keeper, call] = [above && calls.get(above), calls.get(node)];
    if (!above || !around || !keeper || !call || !node.own?.tool || !isSameTool(around, node.own.tool)) continue;
    const { reading } = corrections.get(node) ?? call;
    const whole = filledWith((corrections.get(above) ?? keeper).reading, reading);
    corrections.set(above, { kind: keeper.kind, reading: whole });
    corrections.set(node, { kind: 'plumbing', reading, keeper });
  }
}

/** Kept with the skeleton, which the next request has again if it is soon. */
const callSpans = new WeakMap<Skeleton, CallSpan>();

function callSpanOf(node: LogNode, parent: CallSpan | undefined): CallSpan {
  const known = callSpans.get(node);
  if (known && known.parent === parent) return known;
  const call = toCallSpan(node, node.own, parent);
  callSpans.set(node, call);
  return call;
}

function ownLogAbove(tree: Tree, node: LogNode): LogNode | undefined {
  for (let step = tree.above(node); step; step = tree.above(step)) if (step.own) return step as LogNode;
  return undefined;
}

/**
 * Returns the nearest ancestor that is a log. Above the first span whose parent has not come, that is the log which
 * `tracestate` names, or else that parent, which may be a log: one of another process may never come here.
 */
export function findParentId(
  tree: Tree,
  node: Skeleton,
  standings: ReadonlyMap<Skeleton, Standing> = new Map(),
): string | undefined {
  for (let step = node; ; ) {
    const above = tree.above(step);
    if (!above) return upstreamOf(tree, step) ?? (step.isRemoteParent ? undefined : step.parentId);
    const standing = standings.get(above) ?? above.written;
    if (standing && standing.keeperId === undefined) return above.spanId;
    step = above;
  }
}

/** What a span below names as its ancestor is made up. */
function upstreamOf(tree: Tree, { spanId, upstreamId }: Skeleton): string | undefined {
  if (upstreamId === undefined) return undefined;
  for (let step = tree.get(upstreamId); step; step = tree.above(step)) if (step.spanId === spanId) return undefined;
  return upstreamId;
}

function completeRecipe(
  node: Skeleton,
  { kind, recipe, model }: Standing,
  firstCalls: ReadonlyMap<Skeleton, FirstCall>,
  withEvents: ReadonlySet<string>,
): Recipe | undefined {
  const call = kind === 'agent' && model === undefined ? firstCalls.get(node) : undefined;
  const hasEvents = withEvents.has(node.spanId) || node.written?.recipe?.hasEvents === true;
  if (!call && !hasEvents) return recipe;
  return {
    ...(recipe ?? OWN_CONTENT),
    calledBy: call?.spanId,
    model: call?.model,
    provider: node.own?.provider ?? call?.provider,
    hasEvents,
  };
}
