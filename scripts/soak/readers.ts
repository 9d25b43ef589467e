/** Ordinary clients that read: lists, searches, pages of sessions, the overview, and an open page of the viewer. */
import { request as open } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { Random } from '../../test/support/random.ts';
import { get } from './call.ts';
import { ask, expectStatus, keepDoing, type Soak } from './client.ts';
import type { Ledger } from './ledger.ts';

export function startReaders(soak: Soak, ledger: Ledger, projectIds: readonly string[]): Promise<void>[] {
  const random = new Random(Date.now() + 1);
  const project = () => random.pick(projectIds);
  const session = () => ledger.sessions[Math.floor(random.next() * ledger.sessions.length)];
  const reads: Readonly<Record<string, () => string | undefined>> = {
    'list of logs': () => `/v4/logs?project_id=${project()}&size=50`,
    'filtered list': () => `/v4/logs?project_id=${project()}&model_filter=gpt-4o&start_date=2020-01-01`,
    'search of v4': () => `/v4/logs?project_id=${project()}&search=lazy`,
    'list of sessions': () => '/viewer/api/sessions?size=50',
    search: () => `/viewer/api/sessions?q=${random.pick(['lazy', '"brown fox"', 'nowhere', 'tenant:tenant 3', 'jum'])}`,
    'page of a session': () => {
      const { id } = session() ?? {};
      return id && `/viewer/api/sessions/${id}`;
    },
    log: () => {
      const { id } = session()?.logs[0] ?? {};
      return id && `/v4/logs/${id}`;
    },
    overview: () => '/viewer/api/overview?days=14',
    filters: () => '/viewer/api/filters',
    projects: () => '/v4/projects?size=50',
    health: () => '/healthz',
  };
  const kinds = Object.entries(reads);
  const read = () =>
    keepDoing(soak, 60, async () => {
      const [kind, pathOf] = random.pick(kinds);
      const path = pathOf();
      if (path === undefined) return;
      const reply = await ask(soak, kind, get(path));
      // A session or log may have been deleted meanwhile.
      expectStatus(soak, kind, reply, 200, ...(kind.includes('session') || kind === 'log' ? [404] : []));
    });
  return [read(), read(), read(), ...Array.from({ length: 10 }, () => watch(soak))];
}

/** An open page of the viewer: hears of changes, and connects again when the server has gone. */
async function watch(soak: Soak): Promise<void> {
  while (!soak.isOver()) {
    await new Promise<void>((resolve) => {
      const request = open(`${soak.server.url}/viewer/api/events`, (response) => {
        const over = setInterval(() => soak.isOver() && request.destroy(), 200);
        let heard = 0;
        response.on('data', (chunk: Buffer) => {
          heard += chunk.length;
        });
        response.on('error', () => {});
        response.on('close', () => {
          clearInterval(over);
          soak.record.add('events, in bytes', heard);
          resolve();
        });
      });
      request.on('error', () => resolve());
      request.end();
    });
    await delay(500);
  }
}
