/**
 * The model of an agent whose span names none, as agents do that may use several: that of the first model call below it.
 *
 * Each span that is worked off passes on to its ancestors which call came first, so it does not matter in how many runs
 * a long trace is mapped, nor in which order its spans end or are exported. What becomes known after the agent's log is
 * written is too late, as the API cannot change a config. A call in another process is not known, nor one whose trace
 * was filed before the agent was seen (`filed-trace.ts`).
 */
import type { Reading } from '../conventions/convention.ts';
import type { ShortReading } from '../conventions/short-way.ts';
import { toProvider } from '../datapoint/provider.ts';
import { providerOf } from '../datapoint/to-config.ts';
import { secondsOf } from '../otel/hr-time.ts';
import { agentAbove, lacksModel, withModelOfAgent } from '../trace/agent-above.ts';
import type { ModelCall, SpanNode } from '../trace/span-node.ts';

/** Tells the ancestors of a span which model call was the first, as far as it and the spans below it know. */
export function passOnFirstCall(node: SpanNode): void {
  const startSeconds = node.kind === 'model' ? (secondsOf(node.span?.startTime) ?? 0) : undefined;
  // Who already knows an earlier call has passed that on itself.
  if (
    startSeconds !== undefined &&
    isEarlier(startSeconds, node.firstCall) &&
    isEarlier(startSeconds, node.parent?.firstCall)
  ) {
    node.firstCall = modelCallOf(node, startSeconds) ?? node.firstCall;
  }
  const { firstCall } = node;
  if (!firstCall) return;
  for (let step = node.parent; step && isEarlier(firstCall.startSeconds, step.firstCall); step = step.parent) {
    step.firstCall = firstCall;
  }
}

/**
 * Fills in model and provider of a call that names no model from the agent above it. Which spans report one call is decided
 * before: it depends on what they say themselves.
 */
export function withAgentsModel(
  node: SpanNode,
  reading: Reading,
  read: (agent: SpanNode) => Reading | undefined,
): Reading {
  if (!lacksModel(node.kind, reading)) return reading;
  const agent = agentAbove(node, parentOf, isAgent);
  const isAlike = agent?.recognitions?.some(({ convention }) => convention.name === reading.metadata?.['convention']);
  return withModelOfAgent(reading, agent && (agent.reading ?? (isAlike ? read(agent) : undefined)));
}

function parentOf({ parent }: SpanNode): SpanNode | undefined {
  return parent;
}

/** By what its own span says: a call with others below it has an agent's log, and names the model of its own. */
function isAgent({ kind, recognitions }: SpanNode): boolean {
  return (recognitions?.[0]?.kind ?? kind) === 'agent';
}

/** Fills in model and provider of an agent from the calls below it. Other logs keep their reading. */
export function withCalledModel({ kind, firstCall }: SpanNode, reading: Reading): Reading {
  if (kind !== 'agent' || reading.model !== undefined || !firstCall) return reading;
  return { ...reading, model: firstCall.model, provider: reading.provider ?? firstCall.provider };
}

/** The same for an agent that was read the short way. */
export function calledModelInto({ firstCall }: SpanNode, reading: ShortReading): ShortReading {
  if (reading.kind !== 'agent' || reading.model !== undefined || !firstCall) return reading;
  reading.model = firstCall.model;
  reading.provider ??= firstCall.provider;
  return reading;
}

function modelCallOf({ reading, short }: SpanNode, startSeconds: number): ModelCall | undefined {
  const said = reading ?? short;
  if (said?.model === undefined) return undefined;
  const { model, provider: name } = said;
  const provider = (reading ? providerOf(reading) : toProvider(name, model, short?.serverAddress)) ?? name;
  return { model, provider, startSeconds };
}

/** Of two calls with the same start the one that was known first stays. */
function isEarlier(startSeconds: number, than: ModelCall | undefined): boolean {
  return than === undefined || startSeconds < than.startSeconds;
}
