/** The v4-compatible log server: puts store, operations and HTTP edge together. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isAddress, isPostgresAddress } from '../address.ts';
import { checkOptions, type OptionCheck, optionError } from '../errors.ts';
import { createAccess } from './http/access.ts';
import { HttpError } from './http/http-error.ts';
import { createRequestListener, report } from './http/listener.ts';
import { isLoopback } from './http/origin.ts';
import { listen, stopListening } from './http/port.ts';
import { createErrorPrinter } from './http/print-errors.ts';
import { explainWrongRequests } from './http/wrong-requests.ts';
import { createMetrics } from './metrics/metrics.ts';
import { explainOtlpPath } from './otlp/explain-path.ts';
import { createOtlpIntake } from './otlp/otlp-intake.ts';
import { createPlacingStore } from './otlp/placing-store.ts';
import { createOtlpRoutes } from './otlp/routes.ts';
import { openPostgresStore } from './store/postgres/store.ts';
import { startRetention } from './store/retention.ts';
import { openSqliteStore } from './store/sqlite/store.ts';
import type { DeletedCounts } from './store/store.ts';
import { explainNotServed } from './v4/known-operations.ts';
import { createV4Routes } from './v4/routes.ts';
import { createEventStreams } from './viewer/events.ts';
import { createPageRoutes } from './viewer/pages.ts';
import { createViewerRoutes } from './viewer/routes.ts';

export interface ServerOptions {
  /** TCP port; 0 lets the system choose. Default 4340. */
  readonly port?: number;
  /**
   * A second port with the same routes, for senders of OTLP that use theirs, 4318; 0 lets the system choose. Default:
   * none, as OTLP is taken on `port` too.
   */
  readonly otlpPort?: number;
  /** Address to bind. Default `127.0.0.1`; any but a loopback address requires `apiKey`. */
  readonly host?: string;
  /** The SQLite file, created with its directory if need be, or `:memory:`. Default `.humanloop/logs.db`. */
  readonly file?: string;
  /**
   * Instead of a file, a PostgreSQL database that any number of servers share: `postgres://user@host/database`. Needs
   * the package `pg`.
   */
  readonly database?: string;
  /** `off`: beside a database, no index of words is written, and a search finds nothing by words. Default `index`. */
  readonly search?: 'index' | 'off';
  /**
   * Required of every request below `/v4` and `/v1` in the header `X-API-KEY`, or as bearer token in `Authorization`.
   * Default: none, anyone on this machine may log.
   */
  readonly apiKey?: string;
  /**
   * Where readers find the server if a proxy is before it, such as `https://logs.example.com/base`. The proxy may leave
   * the path before each request's or take it away, and has to add the reader's address to `X-Forwarded-For`.
   */
  readonly publicUrl?: string;
  /**
   * `false` stores only structure, tokens and timing of what comes by OTLP; the v4 API stores what it is given. Default
   * `true`.
   */
  readonly captureContent?: boolean;
  /** Largest request body in bytes, unpacked; a larger one is answered with 413. Default 16 MiB, for OTLP 20 MiB. */
  readonly maxBodyBytes?: number;
  /** Most datapoints in one request; more are answered with 413. Default 1000. */
  readonly maxItems?: number;
  /** Deletes sessions whose last change is longer ago. Default: none. */
  readonly keepMillis?: number;
  /** If the database has more bytes, deletes the sessions that changed longest ago until it has 5 % less. Default: none. */
  readonly maxSizeBytes?: number;
  /** Called with what these two have deleted. Default: one line on stderr. */
  readonly onPrune?: (deleted: DeletedCounts) => void;
  /**
   * Called with failures that are the server's own: a full disk, a bug. Default: one line on stderr; while the store is
   * not available, or requests are refused as too many, one every ten seconds.
   */
  readonly onError?: (error: unknown) => void;
}

export interface RunningServer {
  /** `http://127.0.0.1:4340`, without a path: where the server listens, and its viewer. */
  readonly url: string;
  /** `url` with `/v4`: where the v4 API is, and what the exporter and the official clients take as base URL. */
  readonly baseUrl: string;
  /** `publicUrl` without a slash at its end; `url` if there is none. */
  readonly publicUrl: string;
  /** `http://127.0.0.1:4318`, or `url` without an `otlpPort`: what `OTEL_EXPORTER_OTLP_ENDPOINT` takes. */
  readonly otlpUrl: string;
  readonly port: number;
  /** Stops listening, finishes the requests in flight (at most 10 seconds), closes the store. Idempotent. */
  close(): Promise<void>;
}

const MAX_OTLP_BODY_BYTES = 20 * 1024 * 1024;
const MAX_PENDING_BYTES = 256 * 1024 * 1024;

/**
 * Rejects with a `HumanloopError` on wrong options and an unusable database, and with Node's own error where an
 * address cannot be bound (`EADDRINUSE`, `EACCES`).
 */
export async function startServer(options: ServerOptions = {}): Promise<RunningServer> {
  const {
    host,
    port,
    otlpPort,
    file,
    database,
    search,
    apiKey,
    publicUrl,
    captureContent,
    maxBodyBytes,
    maxItems,
    onPrune,
    onError,
  } = completeOptions(options);
  const { maxBodyBytes: maxOtlpBodyBytes = MAX_OTLP_BODY_BYTES } = options;
  let closing: Promise<void> | undefined;
  const onStoreError = (error: unknown) => report(error, onError);
  const metrics = createMetrics();
  const store = metrics.counting(
    await (database === undefined
      ? openSqliteStore({ file, onError: onStoreError })
      : openPostgresStore({ url: database, onError: onStoreError, search })),
  );
  const publicAddress = publicUrl && publicUrl.origin + publicUrl.pathname.replace(/\/+$/, '');
  const access = createAccess({ apiKey, isLoopbackOnly: isLoopback(host), publicUrl });
  const events = createEventStreams(store.viewer);
  const onIntakeError = (error: unknown) => report(error, onError);
  const intake = createOtlpIntake(store, { captureContent, onError: onIntakeError });
  const listener = createRequestListener({
    routes: {
      ...createV4Routes(createPlacingStore(store, intake, onIntakeError), {
        maxItems,
        serverUrl: publicAddress ?? '/',
      }),
      ...createOtlpRoutes(intake, { maxBodyBytes: maxOtlpBodyBytes, onTaken: metrics.onTaken }),
      ...createViewerRoutes(store, access),
      ...createPageRoutes(store.viewer),
      ...events.routes,
      ...metrics.routesOf(store),
    },
    access,
    ...(publicUrl && { basePath: publicUrl.pathname }),
    explainMissing: (...asked) => explainNotServed(...asked) ?? explainOtlpPath(...asked),
    limits: { maxBodyBytes, maxPendingBytes: Math.max(MAX_PENDING_BYTES, maxBodyBytes) },
    // Requests that come while it closes are refused on purpose.
    onError: (error) => !(closing && error instanceof HttpError) && onError(error),
    onAnswered: metrics.onAnswered,
  });
  // One listener for both ports, so that all bodies share one memory.
  const server = serve(listener);
  const otlpServer = otlpPort === undefined ? undefined : serve(listener);
  try {
    await listen(server, host, port);
    if (otlpServer && otlpPort !== undefined) await listen(otlpServer, host, otlpPort);
  } catch (error) {
    events.close();
    intake.close();
    metrics.close();
    if (server.listening) await stopListening(server);
    await store.close();
    throw error;
  }
  const retention = startRetention(store, {
    ...{ keepMillis: options.keepMillis, maxSizeBytes: options.maxSizeBytes },
    ...{ onPrune, onError: (error) => report(error, onError) },
  });
  const url = urlOf(server, host);
  return {
    url,
    baseUrl: `${url}/v4`,
    publicUrl: publicAddress ?? url,
    otlpUrl: otlpServer ? urlOf(otlpServer, host) : url,
    port: portOf(server),
    close: () => {
      events.close();
      retention.close();
      intake.close();
      metrics.close();
      closing ??= Promise.all([stopListening(server), otlpServer && stopListening(otlpServer)]).then(() =>
        store.close(),
      );
      return closing;
    },
  };
}

function serve(listener: RequestListener): Server {
  // Longer than clients keep idle connections: one that we close first could be closed under a pool's next request.
  const server = createServer({ keepAliveTimeout: 65_000, headersTimeout: 66_000, requestTimeout: 120_000 }, listener);
  explainWrongRequests(server);
  return server;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function urlOf(server: Server, host: string): string {
  return `http://${toUrlHost(host)}:${portOf(server)}`;
}

const TEXT: OptionCheck = ['a non-empty string', (value) => typeof value === 'string' && value !== ''];
const FUNCTION: OptionCheck = ['a function', (value) => typeof value === 'function'];
/** A hundred years. */
const MAX_KEEP_MILLIS = 36_525 * 24 * 60 * 60 * 1000;
/** An empty database has some 200 kB. */
const MIN_SIZE_BYTES = 1_000_000;
const CHECKS: Readonly<Record<keyof ServerOptions, OptionCheck>> = {
  port: wholeNumber(0, 65_535),
  otlpPort: wholeNumber(0, 65_535),
  host: TEXT,
  file: TEXT,
  database: ['an address of one host such as postgres://user@host/database', isPostgresAddress],
  search: ['index or off', (value) => value === 'index' || value === 'off'],
  apiKey: ['a non-empty string', isKey, explainKey],
  publicUrl: ['an address such as https://logs.example.com/base, without credentials, query or fragment', isAddress],
  captureContent: ['true or false', (value) => typeof value === 'boolean'],
  maxBodyBytes: wholeNumber(1, 512 * 1024 * 1024),
  maxItems: wholeNumber(1, 1_000_000),
  keepMillis: wholeNumber(1_000, MAX_KEEP_MILLIS),
  maxSizeBytes: wholeNumber(MIN_SIZE_BYTES, Number.MAX_SAFE_INTEGER),
  onPrune: FUNCTION,
  onError: FUNCTION,
};

/** A key that no client can send in a header would keep everybody out. */
function isKey(value: unknown): boolean {
  return typeof value === 'string' && /^[!-~\u00A1-\u00FF](?:[ -~\u00A1-\u00FF]*[!-~\u00A1-\u00FF])?$/.test(value);
}

function explainKey(value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '') return undefined;
  return value.trim() === value ? 'it has characters that no header can have' : 'it begins or ends with white space';
}

function wholeNumber(least: number, most: number): OptionCheck {
  const isValid = (value: unknown) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
  return [`a whole number from ${least} to ${most}`, isValid];
}

function completeOptions(options: ServerOptions) {
  checkOptions(options, CHECKS);
  const { host = '127.0.0.1', port = 4340, otlpPort, file = '.humanloop/logs.db', apiKey, publicUrl } = options;
  const { captureContent = true, database, search = 'index' } = options;
  const {
    maxBodyBytes = 16 * 1024 * 1024,
    maxItems = 1000,
    onPrune = printPruned,
    onError = createErrorPrinter(),
  } = options;
  if (!isLoopback(host) && apiKey === undefined) {
    throw optionError('host', '127.0.0.1, ::1 or localhost, or an API key, since other machines can reach it', host);
  }
  if (otlpPort !== undefined && otlpPort === port && port !== 0) {
    throw optionError('otlpPort', `another port than ${port}, which takes OTLP as well`, otlpPort);
  }
  if (database !== undefined && options.file !== undefined) {
    throw optionError('file', 'none beside a database', file);
  }
  if (database === undefined && search === 'off') throw optionError('search', 'index without a database', search);
  const parsedUrl = publicUrl === undefined ? undefined : new URL(publicUrl);
  return {
    ...{ host, port, otlpPort, file, database, search, apiKey, publicUrl: parsedUrl, captureContent },
    ...{ maxBodyBytes, maxItems, onPrune, onError },
  };
}

function printPruned({ sessions, logs }: DeletedCounts): void {
  console.error(`humanloop-otel server: retention has deleted ${sessions} sessions, ${logs} logs`);
}

function toUrlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
