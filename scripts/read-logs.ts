/** Reads logs over the HTTP API. */
import { HumanloopLogs } from 'humanloop-otel';
import type { LogResponse } from '../src/wire/v4.ts';

const PAGE_SIZE = 100;

/** Returns the logs of all projects that started at or after `since`. */
export async function readLogs(baseUrl: string, since: Date): Promise<LogResponse[]> {
  const client = new HumanloopLogs({ baseUrl });
  try {
    const logs: LogResponse[] = [];
    for (const projectId of await readProjectIds(baseUrl)) {
      for (let page = 0; ; page += 1) {
        const { body } = await client.list({ projectId, startDate: since, size: PAGE_SIZE, page });
        logs.push(...body.records);
        if (body.records.length < PAGE_SIZE) break;
      }
    }
    return logs;
  } finally {
    await client.close();
  }
}

async function readProjectIds(baseUrl: string): Promise<string[]> {
  const ids: string[] = [];
  const headers: Record<string, string> = {};
  if (process.env['HUMANLOOP_API_KEY']) headers['x-api-key'] = process.env['HUMANLOOP_API_KEY'];
  for (let page = 0; ; page += 1) {
    const response = await fetch(`${baseUrl}/projects?size=${PAGE_SIZE}&page=${page}`, { headers });
    if (!response.ok) throw new Error(`GET ${baseUrl}/projects: ${response.status} ${response.statusText}`);
    const { records } = (await response.json()) as { records: { id: string }[] };
    ids.push(...records.map(({ id }) => id));
    if (records.length < PAGE_SIZE) return ids;
  }
}
