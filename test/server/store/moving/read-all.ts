/** Everything that the API of a server shows, in a form that does not depend on its store. */

type Json = ReturnType<typeof JSON.parse>;

export interface Everything {
  readonly projects: Json;
  readonly configs: Json;
  readonly logs: Json;
  readonly sessions: Json;
  readonly listed: Json;
  readonly shown: Json;
  readonly exported: Json;
  readonly filters: Json;
}

export async function readAll(url: string): Promise<Everything> {
  const get = async (path: string): Promise<Json> => {
    const response = await fetch(url + path);
    if (!response.ok && response.status !== 404)
      throw new Error(`${path}: ${response.status} ${(await response.text()).slice(0, 200)}`);
    return response.json();
  };
  const pages = async (path: string, first: number): Promise<Json[]> => {
    const records: Json[] = [];
    for (let page = first; ; page += 1) {
      const { records: found, total } = await get(`${path}&size=100&page=${page}`);
      records.push(...found);
      if (found.length === 0 || records.length >= total) return records;
    }
  };
  const projects = await pages('/v4/projects?sort_by=name', 0);
  const [configs, logs, sessions]: Json[][] = [[], [], []];
  for (const { id } of projects) {
    configs!.push({
      active: await get(`/v4/projects/${id}/active-config`),
      all: byId((await get(`/v4/projects/${id}/configs`)).map(({ config }: Json) => config)),
    });
    logs!.push(byId((await pages(`/v4/logs?project_id=${id}`, 0)).map(withoutFeedbackIds)));
    sessions!.push(byId(await pages(`/v4/sessions?project_id=${id}`, 1)));
  }
  const listed = await listed_(get);
  const shown: Record<string, Json> = {};
  const exported: Record<string, Json> = {};
  for (const { id } of listed) {
    shown[id] = await show(get, id);
    if (id.startsWith('sesh_'))
      exported[id] = byId((await get(`/viewer/api/sessions/${id}/logs`)).records.map(withoutFeedbackIds));
  }
  return { projects, configs, logs, sessions, listed, shown, exported, filters: await get('/viewer/api/filters') };
}

async function listed_(get: (path: string) => Promise<Json>): Promise<Json[]> {
  const sessions: Json[] = [];
  for (let cursor = ''; ; ) {
    const { sessions: found, next } = await get(
      `/viewer/api/sessions?size=200${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
    );
    sessions.push(...found.map(({ key: _, ...summary }: Json) => summary));
    if (next === null) return byId(sessions);
    cursor = next;
  }
}

/** Keys are the store's own. */
async function show(get: (path: string) => Promise<Json>, id: string): Promise<Json> {
  const logs: Json[] = [];
  for (let cursor = ''; ; ) {
    const page = await get(`/viewer/api/sessions/${id}${cursor && `?cursor=${encodeURIComponent(cursor)}`}`);
    for (const log of page.logs) logs.push({ ...log, config: page.configs[log.config] });
    if (page.next === null) break;
    cursor = page.next;
  }
  const ids = new Map(logs.map((log) => [log.key, log.id]));
  return byId(
    logs.map(({ key: _, parent, ...log }) => ({
      ...withoutFeedbackIds(log),
      parent: ids.get(parent) ?? parent !== undefined,
    })),
  );
}

function withoutFeedbackIds(log: Json): Json {
  return { ...log, ...(log.feedback && { feedback: log.feedback.map(({ id: _, ...entry }: Json) => entry) }) };
}

function byId(records: Json[]): Json[] {
  return [...records].sort((left, right) => (left.id < right.id ? -1 : 1));
}

/** Returns the paths at which two answers differ, and what is there. */
export function findDifferences(left: Json, right: Json, path = ''): string[] {
  if (left === right) return [];
  if (!left || !right || typeof left !== 'object' || typeof right !== 'object') {
    return [`${path}: ${JSON.stringify(left)?.slice(0, 100)} is ${JSON.stringify(right)?.slice(0, 100)}`];
  }
  const names = [...new Set([...Object.keys(left), ...Object.keys(right)])];
  return names.flatMap((name) => findDifferences(left[name], right[name], `${path}.${name}`));
}
