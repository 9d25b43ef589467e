/** The v4-compatible log server: puts store, operations and HTTP edge together. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { checkOptions, HumanloopError, type OptionCheck, optionError } from '../errors.ts';
import { createAccess, isLoopback, LOOPBACK_HOSTS } from './http/access.ts';
import { createRequestListener, report } from './http/listener.ts';
import { listen, stopListening } from './http/port.ts';
import { startRetention } from './store/retention.ts';
import { openSqliteStore } from './store/sqlite/store.ts';
import type { DeletedCounts } from './store/store.ts';
import { createV4Routes } from './v4/routes.ts';
import { createEventStreams } from './viewer/events.ts';
import { createPageRoutes } from './viewer/pages.ts';
import { createViewerRoutes } from './viewer/routes.ts';

export interface ServerOptions {
  /** TCP port; 0 lets the system choose. Default 4340. */
  readonly port?: number;
  /** Address to bind. Default `127.0.0.1`; any but a loopback address requires `apiKey`. */
  readonly host?: string;
  /** The SQLite file, created with its directory if need be, or `:memory:`. Default `.humanloop/logs.db`. */
  readonly file?: string;
  /** Required of every request below `/v4` in the header `X-API-KEY`. Default: none, anyone on this machine may log. */
  readonly apiKey?: string;
  /** Largest request body in bytes; a larger one is answered with 413. Default 16 MiB. */
  readonly maxBodyBytes?: number;
  /** Most datapoints in one request; more are answered with 413. Default 1000. */
  readonly maxItems?: number;
  /** Deletes sessions whose last change is longer ago. Default: none. */
  readonly keepMillis?: number;
  /** If the database has more bytes, deletes the sessions that changed longest ago until it has 5 % less. Default: none. */
  readonly maxSizeBytes?: number;
  /** Called with what these two have deleted. Default: one line on stderr. */
  readonly onPrune?: (deleted: DeletedCounts) => void;
  /** Called with failures that are the server's own: a full disk, a bug. Default: one line on stderr. */
  readonly onError?: (error: unknown) => void;
}

export interface RunningServer {
  /** `http://127.0.0.1:4340`, without a path. The viewer is there. */
  readonly url: string;
  /** `url` with `/v4`: where the v4 API is, and what the exporter and the official clients take as base URL. */
  readonly baseUrl: string;
  readonly port: number;
  /** Stops listening, finishes the requests in flight (at most 10 seconds), closes the store. Idempotent. */
  close(): Promise<void>;
}

const MAX_PENDING_BYTES = 256 * 1024 * 1024;

/**
 * Rejects with a `HumanloopError` on wrong options and an unusable database, and with Node's own error where the
 * address cannot be bound (`EADDRINUSE`, `EACCES`).
 */
export async function startServer(options: ServerOptions = {}): Promise<RunningServer> {
  const { host, port, file, apiKey, maxBodyBytes, maxItems, onPrune, onError } = completeOptions(options);
  const store = await openSqliteStore({ file, onError: (error) => report(error, onError) });
  const access = createAccess({ apiKey, allowedHosts: isLoopback(host) ? LOOPBACK_HOSTS : undefined });
  const events = createEventStreams(store.viewer);
  const server = createServer(
    // Longer than clients keep idle connections: one that we close first could be closed under a pool's next request.
    { keepAliveTimeout: 65_000, headersTimeout: 66_000, requestTimeout: 120_000 },
    createRequestListener({
      routes: {
        ...createV4Routes(store, { maxItems }),
        ...createViewerRoutes(store, access),
        ...createPageRoutes(store.viewer),
        ...events.routes,
      },
      access,
      limits: { maxBodyBytes, maxPendingBytes: Math.max(MAX_PENDING_BYTES, maxBodyBytes) },
      onError,
    }),
  );
  try {
    await listen(server, host, port);
  } catch (error) {
    events.close();
    await store.close();
    throw error;
  }
  const retention = startRetention(store, {
    ...{ keepMillis: options.keepMillis, maxSizeBytes: options.maxSizeBytes },
    ...{ onPrune, onError: (error) => report(error, onError) },
  });
  const bound = (server.address() as AddressInfo).port;
  const url = `http://${toUrlHost(host)}:${bound}`;
  let closing: Promise<void> | undefined;
  return {
    url,
    baseUrl: `${url}/v4`,
    port: bound,
    close: () => {
      events.close();
      retention.close();
      closing ??= stopListening(server).then(() => store.close());
      return closing;
    },
  };
}

const TEXT: OptionCheck = ['a non-empty string', (value) => typeof value === 'string' && value !== ''];
const FUNCTION: OptionCheck = ['a function', (value) => typeof value === 'function'];
/** A hundred years. */
const MAX_KEEP_MILLIS = 36_525 * 24 * 60 * 60 * 1000;
/** An empty database has some 200 kB. */
const MIN_SIZE_BYTES = 1_000_000;
const CHECKS: Readonly<Record<keyof ServerOptions, OptionCheck>> = {
  port: wholeNumber(0, 65_535),
  host: TEXT,
  file: TEXT,
  apiKey: TEXT,
  maxBodyBytes: wholeNumber(1, 512 * 1024 * 1024),
  maxItems: wholeNumber(1, 1_000_000),
  keepMillis: wholeNumber(1_000, MAX_KEEP_MILLIS),
  maxSizeBytes: wholeNumber(MIN_SIZE_BYTES, Number.MAX_SAFE_INTEGER),
  onPrune: FUNCTION,
  onError: FUNCTION,
};

function wholeNumber(least: number, most: number): OptionCheck {
  const isValid = (value: unknown) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
  return [`a whole number from ${least} to ${most}`, isValid];
}

function completeOptions(options: ServerOptions) {
  checkOptions(options, CHECKS);
  const { host = '127.0.0.1', port = 4340, file = '.humanloop/logs.db', apiKey } = options;
  const { maxBodyBytes = 16 * 1024 * 1024, maxItems = 1000, onPrune = printPruned, onError = printError } = options;
  if (!isLoopback(host) && apiKey === undefined) {
    throw optionError('host', '127.0.0.1, ::1 or localhost, or an apiKey since other machines can reach it', host);
  }
  return { host, port, file, apiKey, maxBodyBytes, maxItems, onPrune, onError };
}

function printError(error: unknown): void {
  console.error(`humanloop-otel server: ${error instanceof HumanloopError ? error.message : (error as Error)?.stack}`);
}

function printPruned({ sessions, logs }: DeletedCounts): void {
  console.error(`humanloop-otel server: retention has deleted ${sessions} sessions, ${logs} logs`);
}

function toUrlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
