/**
 * Steps of a framework's own loop, by their operation or type. They repeat what the calls in them say, so they are not
 * logs, whatever vocabulary recognises them.
 */
export const STEPS: ReadonlySet<unknown> = new Set([
  'agent_step',
  'model_step',
  'model_inference',
  'model_chunk',
  'execute_agent_loop_cycle',
]);
