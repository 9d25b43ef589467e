/** The address holds the state: from what is shown to the address, and back. Pure. */

export const FILTERS = [
  ...(['q', 'project', 'model', 'type', 'error', 'feedback', 'user', 'environment'] as const),
  ...(['since', 'until', 'min_duration', 'sort'] as const),
] as const;
export type FilterName = (typeof FILTERS)[number];
export type Filters = Partial<Record<FilterName, string>>;

export const TABS = ['content', 'config', 'metadata', 'raw'] as const;
export type Tab = (typeof TABS)[number];

export type ViewLocation =
  | { readonly page: 'sessions'; readonly filters: Filters }
  | { readonly page: 'overview'; readonly project?: string; readonly days?: string }
  | {
      readonly page: 'session';
      readonly session: string;
      readonly log?: string;
      readonly tab?: Tab;
      /** Id of the log that `log` is compared with. */
      readonly compare?: string;
    };

export type SessionLocation = Extract<ViewLocation, { page: 'session' }>;

export function parseLocation(path: string, search: string): ViewLocation {
  const query = new URLSearchParams(search);
  if (/^\/overview\/?$/.test(path)) {
    const project = query.get('project');
    const days = query.get('days');
    return { page: 'overview', ...(project && { project }), ...(days && { days }) };
  }
  const session = /^\/sessions\/([^/]+)\/?$/.exec(path)?.[1];
  if (session === undefined) {
    const filters: Filters = {};
    for (const name of FILTERS) {
      const value = query.get(name);
      if (value) filters[name] = value;
    }
    return { page: 'sessions', filters };
  }
  const tab = TABS.find((name) => name === query.get('tab'));
  const log = query.get('log');
  const compare = query.get('compare');
  return {
    page: 'session',
    session: decode(session),
    ...(log && { log }),
    ...(tab && { tab }),
    ...(compare && { compare }),
  };
}

export function formatLocation(location: ViewLocation): string {
  const query = new URLSearchParams();
  if (location.page === 'sessions') {
    for (const name of FILTERS) {
      const value = location.filters[name];
      if (value) query.set(name, value);
    }
    return withQuery('/', query);
  }
  if (location.page === 'overview') {
    if (location.project) query.set('project', location.project);
    if (location.days) query.set('days', location.days);
    return withQuery('/overview', query);
  }
  for (const name of ['log', 'tab', 'compare'] as const) {
    const value = location[name];
    if (value) query.set(name, value);
  }
  return withQuery(`/sessions/${encodeURIComponent(location.session)}`, query);
}

const SPANS: Readonly<Record<string, number>> = { m: 60, h: 3600, d: 86_400 };

/** The query of `/viewer/api/sessions`. A time can be relative (`15m`): a link to the last minutes stays one. */
export function toApiQuery(filters: Filters, nowMillis: number): URLSearchParams {
  const query = new URLSearchParams();
  for (const name of FILTERS) {
    const value = filters[name];
    if (!value) continue;
    if (name !== 'since' && name !== 'until') {
      query.set(name, value);
      continue;
    }
    const time = toTime(value, nowMillis);
    if (time) query.set(name, time);
  }
  return query;
}

function toTime(text: string, nowMillis: number): string | undefined {
  const [, count, unit] = /^(\d{1,5})([mhd])$/.exec(text) ?? [];
  const millis = unit ? nowMillis - Number(count) * SPANS[unit]! * 1000 : Date.parse(text);
  return Number.isNaN(millis) ? undefined : new Date(millis).toISOString();
}

function withQuery(path: string, query: URLSearchParams): string {
  const text = query.toString();
  return text === '' ? path : `${path}?${text}`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
