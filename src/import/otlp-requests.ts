/**
 * Cuts what a file has into requests of OTLP of a bounded size, each with the resource and scope of its items. Fields may
 * have the schema's names (`resource_spans`) instead of JSON's, as the server takes them too.
 */
import { isObject } from '../wire/json.ts';

export interface OtlpRequest {
  readonly path: '/v1/traces' | '/v1/logs';
  readonly body: string;
  /** Of its spans or log records. */
  readonly count: number;
}

/** Spans or log records in one request, and characters, of which a single item may have more. */
const MAX_ITEMS = 500;
const MAX_CHARS = 4 * 1024 * 1024;

type Fields = Record<string, unknown>;

interface Kind {
  readonly path: OtlpRequest['path'];
  readonly resources: string;
  readonly scopes: string;
  readonly items: string;
}

const KINDS: readonly Kind[] = [
  { path: '/v1/traces', resources: 'resourceSpans', scopes: 'scopeSpans', items: 'spans' },
  { path: '/v1/logs', resources: 'resourceLogs', scopes: 'scopeLogs', items: 'logRecords' },
];

/** Returns why the value has nothing to import; undefined if it has. */
export function findFault(value: unknown): string | undefined {
  if (!isObject(value)) return 'expected an object';
  if (KINDS.some(({ resources }) => Array.isArray(fieldOf(value, resources))) || isSpan(value)) return undefined;
  if (fieldOf(value, 'resourceMetrics') !== undefined) return undefined;
  const keys = Object.keys(value).slice(0, 5).join(', ');
  return `not OTLP JSON: expected resourceSpans or resourceLogs, got ${keys || 'an empty object'}`;
}

/** Metrics give no request. A span by itself is one of an unknown resource. */
export function* toRequests(value: unknown): Generator<OtlpRequest> {
  if (!isObject(value)) return;
  const whole: Fields = isSpan(value) ? { resourceSpans: [{ scopeSpans: [{ spans: [value] }] }] } : value;
  for (const kind of KINDS) yield* requestsOf(kind, fieldOf(whole, kind.resources));
}

function isSpan(value: Fields): boolean {
  const [traceId, spanId, start] = ['traceId', 'spanId', 'startTimeUnixNano'].map((name) => fieldOf(value, name));
  return typeof traceId === 'string' && typeof spanId === 'string' && start !== undefined;
}

function* requestsOf(kind: Kind, resources: unknown): Generator<OtlpRequest> {
  let texts: string[] = [];
  let chars = 0;
  let count = 0;
  const take = (): OtlpRequest => {
    const request = { path: kind.path, body: `{"${kind.resources}":[${texts.join(',')}]}`, count };
    [texts, chars, count] = [[], 0, 0];
    return request;
  };
  for (const resource of listIn(resources)) {
    for (const scope of listIn(fieldOf(resource, kind.scopes))) {
      const [open, close] = frameOf(kind, resource, scope);
      let items: string[] = [];
      const closeFrame = (): void => {
        if (items.length > 0) texts.push(open + items.join(',') + close);
        items = [];
      };
      for (const item of listIn(fieldOf(scope, kind.items))) {
        const text = JSON.stringify(item);
        if (count > 0 && (count >= MAX_ITEMS || chars + text.length > MAX_CHARS)) {
          closeFrame();
          yield take();
        }
        if (items.length === 0) chars += open.length;
        items.push(text);
        chars += text.length;
        count += 1;
      }
      closeFrame();
    }
  }
  if (count > 0) yield take();
}

/** The JSON around the items of one scope. */
function frameOf(kind: Kind, resource: Fields, scope: Fields): [open: string, close: string] {
  const mark = '\u0000items\u0000';
  const text = JSON.stringify(replace(resource, kind.scopes, [replace(scope, kind.items, mark)]));
  const [open = '', close = ''] = text.split(JSON.stringify(mark), 2);
  return [`${open}[`, `]${close}`];
}

function replace(fields: Fields, name: string, value: unknown): Fields {
  return { ...fields, [schemaNameOf(name)]: undefined, [name]: value };
}

/** JSON's name counts, unless it is absent or null. */
function fieldOf(fields: Fields, name: string): unknown {
  return fields[name] ?? fields[schemaNameOf(name)];
}

function schemaNameOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function listIn(value: unknown): Fields[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
