/** The requests of `check`. A failed one is a value that says why. */
import { adviseOn, type Fault, type ServerSettings } from '../delivery/advice.ts';
import { createHttpTransport } from '../transport/http-transport.ts';
import type { Transport, TransportRequest } from '../transport/transport.ts';
import { parseJson } from '../wire/json.ts';
import type { LogResponse, Page } from '../wire/v4.ts';

export type Answer<Body> = { readonly body: Body } | { readonly fault: Fault; readonly text: string };

const PAGE_SIZE = 100;

export class LogApi {
  readonly #server: ServerSettings;
  readonly #transport: Transport;

  constructor(server: ServerSettings & { readonly timeoutMillis: number }) {
    this.#server = server;
    this.#transport = createHttpTransport(server);
  }

  async call<Body>(method: TransportRequest['method'], path: string, body?: object): Promise<Answer<Body>> {
    const bytes = body && new TextEncoder().encode(JSON.stringify(body));
    const outcome = await this.#transport.send({ method, path, ...(bytes && { body: bytes }) });
    const advice = adviseOn(outcome, this.#server);
    if (advice) return advice;
    if (outcome.kind !== 'answered' || outcome.status >= 300) {
      return { fault: 'answer', text: `${this.#server.baseUrl} asks to wait (HTTP 429)` };
    }
    const parsed = outcome.status === 204 ? null : parseJson(outcome.text);
    if (parsed === undefined) {
      return { fault: 'address', text: `${this.#server.baseUrl} does not answer in JSON: is it a v4 log server?` };
    }
    return { body: parsed as Body };
  }

  /** Returns the logs of all projects that have started since, but for those of the project `except`. */
  async logsSince(since: Date, except: string): Promise<Answer<LogResponse[]>> {
    const projects = await this.#pages<{ id: string; name: string }>('/projects?');
    if (!('body' in projects)) return projects;
    const logs: LogResponse[] = [];
    for (const { id } of projects.body.filter(({ name }) => name !== except)) {
      const query = new URLSearchParams({ project_id: id, start_date: since.toISOString() });
      const found = await this.#pages<LogResponse>(`/logs?${query}&`);
      if (!('body' in found)) return found;
      logs.push(...found.body);
    }
    return { body: logs };
  }

  close(): Promise<void> {
    return this.#transport.close();
  }

  async #pages<Item>(path: string): Promise<Answer<Item[]>> {
    const items: Item[] = [];
    for (let page = 0; ; page++) {
      const answer = await this.call<Page<Item>>('GET', `${path}size=${PAGE_SIZE}&page=${page}`);
      if (!('body' in answer)) return answer;
      const records = answer.body?.records ?? [];
      items.push(...records);
      if (records.length < PAGE_SIZE) return { body: items };
    }
  }
}
