/** What a log is called. Pure, and used by the scripts too. */
import type { LogLabel } from '../../server/store/viewer-store.ts';
import type { LogResponse } from '../../wire/v4.ts';

/** Of a log without a config. */
export const NO_CONFIG: LogLabel = { type: 'generic', name: 'log' };

/** For a log that is there whole. The rows of the tree have labels from the server, which computes the same. */
export function labelOf({ config }: Pick<LogResponse, 'config'>): LogLabel {
  if (!config) return NO_CONFIG;
  if (config.type === 'model') return { type: 'model', name: config.name ?? config.model, model: config.model };
  if (config.type === 'agent')
    return { type: 'agent', name: config.name ?? config.agent_class, model: config.model_config.model };
  return { type: config.type, name: config.name ?? config.type };
}
