/**
 * What becomes of the logs of a trace, from all that is known of it: which spans report the same call, under which log
 * each hangs, and which model an agent used. It depends on the set of spans only, not on how they came.
 */
import type { LogKind } from '../../../conventions/convention.ts';
import { agentAbove } from '../../../trace/agent-above.ts';
import type { CallSpan, Correction } from '../../../trace/same-call/call-span.ts';
import { filledWith } from '../../../trace/same-call/merge-readings.ts';
import { resolveInSteps } from '../../../trace/same-call/same-call.ts';
import { isSameTool } from '../../../trace/same-call/tool-facts.ts';
import { OWN_CONTENT } from './compose.ts';
import { findAffected } from './deciding/affected.ts';
import { type FirstCall, findFirstCalls, type Standing } from './deciding/first-calls.ts';
import { FromAbove } from './deciding/from-above.ts';
import { ParentIds } from './deciding/parent-ids.ts';
import {
  type CallSummary,
  isSameOutcome,
  type LogNode,
  type Outcome,
  type Recipe,
  type Skeleton,
} from './skeletons/skeleton.ts';
import { recipeOf, toCallSpan } from './skeletons/summarise.ts';
import type { Tree } from './skeletons/tree.ts';

/** Each is looked at in about a microsecond. */
const SPANS_OF_STEP = 100;

/**
 * Returns the outcomes that differ from what is written, those of new logs among them, by span id; and all logs that were
 * looked at. `news` are the spans that have come now, and those to which log events have come, `withEvents`. Yields after
 * small steps.
 */
export function* decideOutcomes(
  tree: Tree,
  news: Iterable<string>,
  withEvents: ReadonlySet<string>,
): Generator<void, { readonly changed: Map<string, Outcome>; readonly affected: readonly LogNode[] }> {
  const logs = yield* findAffected(tree, news);
  const corrections = mayHaveDuplicates(tree, logs) ? yield* resolve(tree, logs) : undefined;
  const standings = new Map<Skeleton, Standing>();
  for (const node of logs) {
    standings.set(node, withModelAbove(tree, node, standingOf(node, corrections?.get(node))));
    if (standings.size % SPANS_OF_STEP === 0) yield;
  }
  const firstCalls = findFirstCalls(tree, standings);
  const parents = new ParentIds(tree, standings);
  const changed = new Map<string, Outcome>();
  let count = 0;
  for (const [node, standing] of standings) {
    const { written } = node;
    const { kind, keeperId } = standing;
    const outcome: Outcome = {
      kind,
      keeperId,
      parentId: keeperId === undefined ? parents.of(node) : undefined,
      recipe: keeperId === undefined ? completeRecipe(node, standing, firstCalls, withEvents) : undefined,
    };
    if (!written || !isSameOutcome(written, outcome)) changed.set(node.spanId, outcome);
    count += 1;
    if (count % SPANS_OF_STEP === 0) yield;
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

/** A call that names no model has that of the agent above it, if both are of one vocabulary. */
function withModelAbove(tree: Tree, node: LogNode, standing: Standing): Standing {
  const { convention } = node.own;
  const lacksModel = standing.kind === 'model' && standing.keeperId === undefined && standing.model === undefined;
  if (!lacksModel || convention === undefined) return standing;
  const agent = agentAbove<Skeleton>(node, (step) => tree.above(step), isAgent)?.own;
  if (agent?.model === undefined || agent.convention !== convention) return standing;
  const { model, provider } = agent;
  return { ...standing, model, recipe: { ...(standing.recipe ?? OWN_CONTENT), model, provider } };
}

function isAgent({ own }: Skeleton): boolean {
  return own?.kind === 'agent';
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

function* resolve(tree: Tree, logs: readonly LogNode[]): Generator<void, Map<Skeleton, Correction>> {
  const calls = new Map<Skeleton, CallSpan>();
  /** Of the nearest log at or above a span. */
  const found = new FromAbove<CallSpan | undefined>(tree, (node, above) => {
    if (!node.own) return above?.value;
    const call = callSpanOf(node as LogNode, above?.value);
    calls.set(node, call);
    return call;
  });
  for (const node of logs) {
    found.at(node);
    yield;
  }
  const corrections = yield* resolveInSteps([...calls.values()]);
  const ofNodes = new Map<Skeleton, Correction>();
  for (const [node, call] of calls) {
    const correction = corrections.get(call);
    if (correction) ofNodes.set(node, correction);
  }
  joinRequests(tree, calls, ofNodes);
  return ofNodes;
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
    model: call?.model ?? recipe?.model,
    provider: call ? (node.own?.provider ?? call.provider) : recipe?.provider,
    hasEvents,
  };
}
