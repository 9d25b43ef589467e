/** Compares what the server has with what it has acknowledged. Each check returns what is wrong. */
import { createReadStream, existsSync } from 'node:fs';
import { call, get } from './call.ts';
import type { Fate, Ledger, LedgerLog, LedgerSession } from './ledger.ts';

/** The part of a log of the v4 API that is looked at. */
export interface StoredLog {
  readonly id: string;
  readonly output?: string;
  readonly prompt_tokens?: number;
}

export interface Checked {
  readonly faults: string[];
  /** How many logs of each fate there were in the ledger, and how many the server has. */
  readonly logs: Record<Fate | 'found', number>;
}

async function read<Body>(url: string, path: string): Promise<Body | undefined> {
  const reply = await call(url, get(path));
  if (reply.status === 404) return undefined;
  if (reply.status !== 200) throw new Error(`GET ${path}: ${reply.status} ${reply.text.slice(0, 200)}`);
  return JSON.parse(reply.text) as Body;
}

/** Every acknowledged log that was not deleted is there once, with its last acknowledged output; all sums are right. */
export async function checkLogs(url: string, ledger: Ledger): Promise<Checked> {
  const faults: string[] = [];
  const logs = { stored: 0, deleted: 0, unsure: 0, found: 0 };
  const foundOfProject = new Map<string, number>();
  for (const log of ledger.logs()) logs[log.fate] += 1;
  const waiting = [...ledger.sessions];
  const checkNext = async (): Promise<void> => {
    for (let session = waiting.pop(); session; session = waiting.pop()) {
      const records = await readSession(url, session, faults);
      logs.found += records.length;
      foundOfProject.set(session.project, (foundOfProject.get(session.project) ?? 0) + records.length);
      faults.push(...checkSession(ledger, session, records));
    }
  };
  await Promise.all(Array.from({ length: 4 }, checkNext));
  const projects = await read<{ records: { id: string; name: string }[] }>(url, '/v4/projects?size=1000');
  for (const { id, name } of projects?.records ?? []) {
    if (!ledger.sessions.some(({ project }) => project === name)) continue;
    const page = await read<{ total: number }>(url, `/v4/logs?project_id=${id}&size=1`);
    const found = foundOfProject.get(name) ?? 0;
    if (page?.total !== found) faults.push(`project ${name}: ${page?.total} logs, ${found} of them in the sessions`);
  }
  return { faults, logs };
}

/** Pure. */
export function checkSession(ledger: Ledger, session: LedgerSession, records: readonly StoredLog[]): string[] {
  const faults: string[] = [];
  const found = new Map<string, StoredLog[]>();
  for (const record of records) {
    const [marker = 'none'] = ledger.markersIn(JSON.stringify(record));
    found.set(marker, [...(found.get(marker) ?? []), record]);
  }
  for (const log of session.logs) {
    const all = found.get(log.marker) ?? [];
    found.delete(log.marker);
    const name = `log ${log.reference ?? log.marker} (${log.fate})`;
    const least = log.fate === 'stored' ? 1 : 0;
    const most = log.fate === 'deleted' ? 0 : log.most;
    if (all.length < least) faults.push(`${name} is not there`);
    if (all.length > most) faults.push(`${name} is there ${all.length} times`);
    if (log.fate === 'unsure') continue;
    for (const { output } of all) {
      if (output !== log.output) faults.push(`${name} has the output ${output}, acknowledged is ${log.output}`);
    }
  }
  for (const marker of found.keys()) faults.push(`session ${session.reference} has a log that nobody sent: ${marker}`);
  return faults;
}

/** All logs of the session, whose sums are compared with them. */
async function readSession(url: string, { reference }: LedgerSession, faults: string[]): Promise<StoredLog[]> {
  const named = await read<{ session: string }>(url, `/viewer/api/names/${encodeURIComponent(reference)}`);
  if (!named) return [];
  const path = `/viewer/api/sessions/${named.session}`;
  const records: StoredLog[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const query: string = cursor === '' ? '' : `?cursor=${encodeURIComponent(cursor)}`;
    const portion = await read<{ records: StoredLog[]; next: string | null }>(url, `${path}/logs${query}`);
    records.push(...(portion?.records ?? []));
    cursor = portion?.next ?? null;
  }
  const page = await read<{ session: { logs: number; prompt_tokens?: number } }>(url, path);
  const tokens = records.reduce((sum, { prompt_tokens = 0 }) => sum + prompt_tokens, 0);
  const { logs = 0, prompt_tokens: summed = 0 } = page?.session ?? {};
  if (logs !== records.length)
    faults.push(`session ${reference}: ${logs} logs in its sum, ${records.length} there are`);
  if (summed !== tokens) faults.push(`session ${reference}: ${summed} tokens in its sum, ${tokens} in its logs`);
  return records;
}

/** What was deleted is not found by its words, and what is there is. */
export async function checkSearch(url: string, ledger: Ledger, sampleSize: number): Promise<string[]> {
  const faults: string[] = [];
  for (const fate of ['deleted', 'stored'] as const) {
    const logs = [...ledger.logs()].filter((log) => log.fate === fate);
    for (const log of sample(logs, sampleSize)) {
      const page = await read<{ sessions: unknown[] }>(url, `/viewer/api/sessions?q=${log.marker}`);
      const isFound = (page?.sessions.length ?? 0) > 0;
      if (isFound !== (fate === 'stored')) {
        faults.push(
          `the search ${isFound ? 'finds' : 'does not find'} a log that was ${fate}: ${log.reference ?? log.marker} of ${log.session.reference}`,
        );
      }
    }
  }
  return faults;
}

/** Returns the deleted logs whose markers are in the file or beside it. */
export async function findErasedIn(file: string, ledger: Ledger): Promise<LedgerLog[]> {
  const markers = new Set<string>();
  for (const path of [file, `${file}-wal`]) {
    if (!existsSync(path)) continue;
    let rest = '';
    for await (const chunk of createReadStream(path, { encoding: 'latin1', highWaterMark: 4 * 1024 * 1024 })) {
      const text = rest + chunk;
      for (const marker of ledger.markersIn(text)) markers.add(marker);
      rest = text.slice(-100);
    }
  }
  return [...ledger.logs()].filter(({ fate, marker }) => fate === 'deleted' && markers.has(marker));
}

export function sample<Item>(items: readonly Item[], size: number): Item[] {
  const step = Math.max(1, items.length / size);
  return Array.from({ length: Math.min(size, items.length) }, (_, index) => items[Math.floor(index * step)]!);
}
