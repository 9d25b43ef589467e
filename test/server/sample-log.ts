import type { Store } from '../../src/server/store/store.ts';
import type { CreatedLog, LogRequest } from '../../src/wire/v4.ts';

export const config: LogRequest['config'] = { type: 'model', model: 'gpt-4' };

export function log(fields: Partial<LogRequest> = {}): LogRequest {
  return { project: 'project', config, ...fields };
}

export async function createOne(store: Store, fields: Partial<LogRequest> = {}): Promise<CreatedLog> {
  return (await store.createLogs([log(fields)]))[0]!;
}
