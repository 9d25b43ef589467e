/** The name of a log. Pure; the scripts use it too. */
import type { LogLabel } from '../../server/store/viewer-store.ts';
import type { LogResponse } from '../../wire/v4.ts';

/** Label of a log without a config. */
export const NO_CONFIG: LogLabel = { type: 'generic', name: 'log' };

/** Labels a complete log. Rows of the tree get their labels from the server, which computes the same. */
export function labelOf({ config }: Pick<LogResponse, 'config'>): LogLabel {
  if (!config) return NO_CONFIG;
  if (config.type === 'model') return { type: 'model', name: config.name ?? config.model, model: config.model };
  if (config.type === 'agent')
    return { type: 'agent', name: config.name ?? config.agent_class, model: config.model_config.model };
  return { type: config.type, name: config.name ?? config.type };
}
