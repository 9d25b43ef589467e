/**
 * The agent that a call was made for. Where a vocabulary names the model only on the agent's span (Codex), the calls of that
 * vocabulary below it have it from there.
 */
import type { Reading } from '../conventions/convention.ts';

/** Calls are near their agents, and chains of thousands of spans must not be walked for each of them. */
const MAX_STEPS = 30;

/** Returns the nearest of the spans above that is an agent. */
export function agentAbove<Node extends object>(
  node: Node,
  above: (node: Node) => Node | undefined,
  isAgent: (node: Node) => boolean,
): Node | undefined {
  let step = above(node);
  for (let steps = 1; step && steps < MAX_STEPS && !isAgent(step); steps++) step = above(step);
  return step && isAgent(step) ? step : undefined;
}

/** Whether the call names no model and may have its agent's. */
export function lacksModel(kind: string | undefined, { model, metadata }: Reading): boolean {
  return kind === 'model' && model === undefined && metadata?.['convention'] !== undefined;
}

/** Fills in the model and the provider of a call from its agent, if both are of one vocabulary. */
export function withModelOfAgent(call: Reading, agent: Reading | undefined): Reading {
  if (agent?.model === undefined || agent.metadata?.['convention'] !== call.metadata?.['convention']) return call;
  const provider = call.provider ?? agent.provider;
  return { ...call, model: agent.model, ...(provider !== undefined && { provider }) };
}
