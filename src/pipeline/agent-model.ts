/**
 * The model of an agent whose span names none, as today's conventions want it: that of the first model call below it.
 *
 * A call's model stays with its node when the call is worked off, so it does not matter which of the two is written
 * first in a run, or in how many runs a long trace is mapped. What is not known when the agent's log is written is too
 * late: a log that was sent open keeps its config, as the API cannot change it. Nor is a model known of a call that was
 * forgotten, whose trace was filed (`filed-trace.ts`), or that another process made.
 */
import type { Reading } from '../conventions/convention.ts';
import { providerOf } from '../datapoint/to-config.ts';
import { secondsOf } from '../otel/hr-time.ts';
import type { CalledModel, SpanNode } from '../trace/span-node.ts';

/** Keeps what model the span called, if it is a model call. `node` has been read. */
export function noteCalledModel(node: SpanNode): void {
  const { kind, reading, span } = node;
  if (kind !== 'model' || reading?.model === undefined) return;
  const startSeconds = secondsOf(span?.startTime) ?? 0;
  node.calledModel = { model: reading.model, provider: providerOf(reading) ?? reading.provider, startSeconds };
}

/** Fills in model and provider of an agent from the calls below it. Other logs keep their reading. */
export function withCalledModel(node: SpanNode, reading: Reading): Reading {
  if (node.kind !== 'agent' || reading.model !== undefined) return reading;
  const first = firstCallBelow(node);
  if (!first) return reading;
  return { ...reading, model: first.model, provider: reading.provider ?? first.provider };
}

/** Returns the first call to start; of several with the same time the one that was known first. */
function firstCallBelow(agent: SpanNode): CalledModel | undefined {
  let first: CalledModel | undefined;
  for (const node of agent.trace.nodes.values()) {
    const { calledModel } = node;
    if (!calledModel || (first && first.startSeconds <= calledModel.startSeconds)) continue;
    if (isBelow(node, agent)) first = calledModel;
  }
  return first;
}

function isBelow(node: SpanNode, ancestor: SpanNode): boolean {
  let step = node.parent;
  while (step && step !== ancestor) step = step.parent;
  return step === ancestor;
}
