/**
 * The options of the span processor and the exporter. They are read once, at construction: from code, else from the
 * environment (see `environment.ts`), else defaults. The result is complete and frozen, and no room below reads `process.env`.
 *
 * They are checked by hand, since this runs at the start of every app and loading zod takes longer than loading the
 * rest of the package.
 */

import { explainAddress, isAddress } from './address.ts';
import type { Convention } from './conventions/convention.ts';
import { type Environment, readServiceName, readVariable } from './environment.ts';
import { checkOptions, type OptionCheck } from './errors.ts';
import type { RemoteParent } from './otel/ancestor-member.ts';
import type { SpanSlice } from './otel/span-slice.ts';
import { isObject } from './wire/json.ts';
import type { LogRequest } from './wire/v4.ts';

/** Gets the final datapoint, or for an update only `reference_id`, `output`, `error` and `duration`. */
export type Redact = (datapoint: LogRequest) => LogRequest | null | Promise<LogRequest | null>;

export interface DropReport {
  /** `queue_full`, `rejected`, `retry_expired`, `redacted` … The same words are the keys of `stats().dropped`. */
  readonly reason: string;
  readonly count: number;
  /** Reference ids of the first 100 dropped logs. */
  readonly referenceIds: readonly string[];
}

/** Each option that is one value has an environment variable: `HUMANLOOP_BATCH_MAX_ITEMS` for `batch.maxItems`. */
export interface HumanloopOptions {
  /** Sent as `X-API-KEY`. Environment: `HUMANLOOP_API_KEY`. Default: none, as a server on this machine needs none. */
  apiKey?: string;
  /** Address of the v4 API. Environment: `HUMANLOOP_BASE_URL`. Default: `http://127.0.0.1:4340/v4`. */
  baseUrl?: string;
  /**
   * Project of the logs. Environment: `HUMANLOOP_PROJECT`. Default: the resource's `service.name`, else
   * `OTEL_SERVICE_NAME`, else the name in the app's package.json.
   */
  project?: string | ((span: SpanSlice) => string);
  /**
   * `environment` of the logs. Environment: `HUMANLOOP_ENVIRONMENT`. Default: what the span names, as
   * `langfuse.environment`, or its resource as `deployment.environment.name`.
   */
  environment?: string;
  /** `source` of the logs. Environment: `HUMANLOOP_SOURCE`. Default: `opentelemetry`. */
  source?: string;
  /** Returns the session reference of a span, if it has one. Default: reads the known session attributes. */
  session?: (span: SpanSlice) => string | undefined;
  /** Decides which spans are logs. Gets the span and the default decision, which also applies if it throws. */
  include?: (span: SpanSlice, isLog: boolean) => boolean;
  /** The vocabularies to read, most specific first. Default: `CONVENTIONS`. */
  conventions?: readonly Convention[];
  /** `false` sends structure, tokens and timing only. Environment: `HUMANLOOP_CAPTURE_CONTENT`. Default: `true`. */
  captureContent?: boolean;
  /**
   * Returns the datapoint to send, or null to withhold the log. May be async. If it throws or takes longer than 5
   * seconds, the log is sent without content.
   */
  redact?: Redact;
  /** How long an ended span waits for its open ancestors before these are sent unfinished. Default: 10,000. */
  holdMillis?: number;
  /**
   * Exporter only: what to do if the parent of a span is not exported within `holdMillis`. `stub` creates a placeholder
   * log for the parent; `root` puts the span at the top of its session. Default: `stub`.
   */
  missingParent?: 'stub' | 'root';
  /**
   * Where a log goes that has no log above it in this process, if the trace comes from another one. `link`: under the log
   * that the other process named in `tracestate`, else at the top of the session, with `remote_parent` in its metadata: a
   * server that gets the spans of the other process by OTLP hangs it there. `top`: always at the top. `name`: as
   * `link`, but if none is named, under the remote span itself, for a server that gets the spans of the other process by
   * OTLP. Default: `link`.
   */
  remoteParent?: 'link' | 'top' | 'name';
  /**
   * `HumanloopPropagator` only: adds the session's id to the baggage of requests, so that the logs of other services are in
   * the same session. Baggage goes to every host that the app sends requests to, also to that of the model. Default:
   * `false`.
   */
  propagateSession?: boolean;
  /** Bounds of one request. Default: 100 items, 4 MiB. */
  batch?: { maxItems?: number; maxBytes?: number };
  /** Bounds of all spans and logs in memory, estimated. Default: 100,000 items, 256 MiB. */
  queue?: { maxItems?: number; maxBytes?: number };
  /** `gzip` compresses requests off the app's thread, if the server accepts it. Default: `none`. */
  compression?: 'none' | 'gzip';
  /** Maximum number of connections, and so of POST requests in flight. Default: 8. */
  concurrency?: number;
  /** Deadline of one request, from the call to the last byte of the answer. Default: 10,000. */
  timeoutMillis?: number;
  /**
   * Back-off after failed requests: a random pause (full jitter) bounded by the two delays, unless the server sends
   * `Retry-After`; a log is given up after `maxElapsedMillis`. Default: 500, 30,000, 600,000.
   */
  retry?: { minDelayMillis?: number; maxDelayMillis?: number; maxElapsedMillis?: number };
  /** Deadline of `forceFlush` and `shutdown`. Default: 30,000. */
  flushTimeoutMillis?: number;
  /**
   * `register` only: how long a process that ends waits until its last logs are sent. Environment:
   * `HUMANLOOP_EXIT_TIMEOUT_MILLIS`. Default: 2,000.
   */
  exitTimeoutMillis?: number;
  /** Prints nothing to stderr; `diag` still gets all warnings. Environment: `HUMANLOOP_QUIET`. Default: `false`. */
  quiet?: boolean;
  /** Keeps logs that are not acknowledged on disk, for the next start. Default: off. */
  spool?: Partial<SpoolOptions> & Pick<SpoolOptions, 'directory'>;
  /** Called with the logs that were dropped and why. If it throws, that is ignored. */
  onDrop?: (report: DropReport) => void;
}

export interface SpoolOptions {
  /** Created if it does not exist, with access for its owner only. Several processes may share it. */
  readonly directory: string;
  /** Bound of the file of one process. Default: 1 GiB. */
  readonly maxBytes: number;
  /** Logs that a dead process left longer ago are dropped. Default: 2 days. */
  readonly maxAgeMillis: number;
  /** An accepted log is on disk within this time. Default: 200. */
  readonly fsyncMillis: number;
}

export interface ResolvedOptions {
  readonly apiKey: string | undefined;
  readonly baseUrl: string;
  readonly project: string | ((span: SpanSlice) => string) | undefined;
  /** Name of the app in OpenTelemetry's variables, for spans whose resource has none. */
  readonly serviceName: string | undefined;
  readonly environment: string | undefined;
  readonly source: string;
  readonly session: ((span: SpanSlice) => string | undefined) | undefined;
  readonly include: ((span: SpanSlice, isLog: boolean) => boolean) | undefined;
  readonly conventions: readonly Convention[] | undefined;
  readonly captureContent: boolean;
  readonly redact: Redact | undefined;
  readonly holdMillis: number;
  readonly missingParent: 'stub' | 'root';
  readonly remoteParent: RemoteParent;
  readonly propagateSession: boolean;
  readonly batch: { readonly maxItems: number; readonly maxBytes: number };
  readonly queue: { readonly maxItems: number; readonly maxBytes: number };
  readonly compression: 'none' | 'gzip';
  readonly concurrency: number;
  readonly timeoutMillis: number;
  readonly retry: RetryOptions;
  readonly flushTimeoutMillis: number;
  readonly exitTimeoutMillis: number;
  readonly quiet: boolean;
  readonly spool: SpoolOptions | undefined;
  readonly onDrop: ((report: DropReport) => void) | undefined;
}

export interface RetryOptions {
  readonly minDelayMillis: number;
  readonly maxDelayMillis: number;
  readonly maxElapsedMillis: number;
}

export const DEFAULT_BASE_URL = 'http://127.0.0.1:4340/v4';

const MEBIBYTE = 1024 * 1024;
const SPOOL_DEFAULTS: Partial<SpoolOptions> = {
  maxBytes: 1024 * MEBIBYTE,
  maxAgeMillis: 2 * 24 * 3_600_000,
  fsyncMillis: 200,
};
/** Timers accept at most 2^31-1 milliseconds; longer ones fire at once. */
const MAX_MILLIS = 2 ** 31 - 1;

const isText = (value: unknown) => typeof value === 'string' && value.length > 0;
const isFunction = (value: unknown) => typeof value === 'function';
const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 1;
const isMillis = (value: unknown) => typeof value === 'number' && value >= 0 && value <= MAX_MILLIS;

const TEXT: OptionCheck = ['a non-empty string', isText];
const FUNCTION: OptionCheck = ['a function', isFunction];
const COUNT: OptionCheck = ['a whole number of at least 1', isCount];
const BOOLEAN: OptionCheck = ['true or false', (value) => typeof value === 'boolean'];
const MILLIS: OptionCheck = [`milliseconds from 0 to ${MAX_MILLIS}`, isMillis];

const REMOTE_PARENTS: readonly RemoteParent[] = ['link', 'top', 'name'];

const TOP_LEVEL: Record<keyof HumanloopOptions, OptionCheck> = {
  apiKey: TEXT,
  baseUrl: ['an http(s) address without credentials, query or fragment', isAddress, explainAddress],
  project: ['a non-empty string or a function', (value) => isText(value) || isFunction(value)],
  environment: TEXT,
  source: TEXT,
  session: FUNCTION,
  include: FUNCTION,
  conventions: ['a list of conventions', (value) => Array.isArray(value) && value.every(isConvention)],
  captureContent: BOOLEAN,
  redact: FUNCTION,
  holdMillis: MILLIS,
  missingParent: ["'stub' or 'root'", (value) => value === 'stub' || value === 'root'],
  remoteParent: ["'link', 'top' or 'name'", (value) => REMOTE_PARENTS.includes(value as RemoteParent)],
  propagateSession: BOOLEAN,
  batch: ['an object', isObject],
  queue: ['an object', isObject],
  compression: ["'none' or 'gzip'", (value) => value === 'none' || value === 'gzip'],
  concurrency: COUNT,
  timeoutMillis: MILLIS,
  retry: ['an object', isObject],
  flushTimeoutMillis: MILLIS,
  exitTimeoutMillis: MILLIS,
  quiet: BOOLEAN,
  spool: ['an object with a directory', (value) => isObject(value) && 'directory' in (value as object)],
  onDrop: FUNCTION,
};
const BOUNDS = { maxItems: COUNT, maxBytes: COUNT };
const SPOOL = { directory: TEXT, maxBytes: COUNT, maxAgeMillis: MILLIS, fsyncMillis: MILLIS };
const RETRY = { minDelayMillis: MILLIS, maxDelayMillis: MILLIS, maxElapsedMillis: MILLIS };

/**
 * @throws {HumanloopError} on an unknown or wrong option; the message names it, what was expected and what was given.
 */
export function resolveOptions(options: HumanloopOptions = {}, env: Environment = process.env): ResolvedOptions {
  checkOptions(options, TOP_LEVEL);
  checkOptions(options.batch ?? {}, BOUNDS, 'batch.');
  checkOptions(options.queue ?? {}, BOUNDS, 'queue.');
  checkOptions(options.retry ?? {}, RETRY, 'retry.');
  checkOptions(options.spool ?? {}, SPOOL, 'spool.');

  const read = <Value>(option: string, check: OptionCheck, given: Value | undefined) =>
    given ?? (readVariable(env, option, check) as Value | undefined);
  const readTop = <Name extends keyof HumanloopOptions>(name: Name) => read(name, TOP_LEVEL[name], options[name]);
  const readGroup = <Group extends object>(group: string, checks: Record<string, OptionCheck>, defaults: Group) => {
    const given = (options as Record<string, Partial<Group> | undefined>)[group];
    const names = Object.keys(checks) as (keyof Group & string)[];
    const values = names.map((name) => [
      name,
      read(`${group}.${name}`, checks[name]!, given?.[name]) ?? defaults[name],
    ]);
    return Object.freeze(Object.fromEntries(values)) as Group;
  };
  const spool = readGroup('spool', SPOOL, SPOOL_DEFAULTS);
  return Object.freeze({
    apiKey: readTop('apiKey'),
    baseUrl: (readTop('baseUrl') ?? DEFAULT_BASE_URL).replace(/\/+$/, ''),
    project: readTop('project'),
    serviceName: readServiceName(env),
    environment: readTop('environment'),
    source: readTop('source') ?? 'opentelemetry',
    session: options.session,
    include: options.include,
    conventions: options.conventions,
    captureContent: readTop('captureContent') ?? true,
    redact: options.redact,
    holdMillis: readTop('holdMillis') ?? 10_000,
    missingParent: readTop('missingParent') ?? 'stub',
    remoteParent: readTop('remoteParent') ?? 'link',
    propagateSession: readTop('propagateSession') ?? false,
    batch: readGroup('batch', BOUNDS, { maxItems: 100, maxBytes: 4 * MEBIBYTE }),
    queue: readGroup('queue', BOUNDS, { maxItems: 100_000, maxBytes: 256 * MEBIBYTE }),
    compression: readTop('compression') ?? 'none',
    concurrency: readTop('concurrency') ?? 8,
    timeoutMillis: readTop('timeoutMillis') ?? 10_000,
    retry: readGroup('retry', RETRY, { minDelayMillis: 500, maxDelayMillis: 30_000, maxElapsedMillis: 600_000 }),
    flushTimeoutMillis: readTop('flushTimeoutMillis') ?? 30_000,
    exitTimeoutMillis: readTop('exitTimeoutMillis') ?? 2_000,
    quiet: readTop('quiet') ?? false,
    spool: spool.directory ? (spool as SpoolOptions) : undefined,
    onDrop: options.onDrop,
  });
}

function isConvention(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { name, classify, read } = value as Partial<Convention>;
  return isText(name) && isFunction(classify) && isFunction(read);
}
