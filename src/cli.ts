#!/usr/bin/env node
/** The command line: `humanloop-otel serve`, `check` and `import`. The only room that touches the process: signals, exit codes, output. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { explainAddress, isAddress } from './address.ts';
import { EXIT_CODES } from './check/exit-codes.ts';
import { readVariable } from './environment.ts';
import { checkError, HumanloopError, optionError } from './errors.ts';
import { importFiles } from './import/import-files.ts';
import { explainListenError } from './server/http/port.ts';
import { type RunningServer, type ServerOptions, startServer } from './server/index.ts';

const USAGE = `Usage: humanloop-otel serve [options]
       humanloop-otel check [options] [-- COMMAND ...]
       humanloop-otel import [options] FILE ...

serve starts the log server: the v4 API, OTLP over HTTP (/v1/traces, /v1/logs), and the viewer.

  --port NUMBER   port to listen on; 0 lets the system choose (default 4340)
  --otlp-port NUMBER  a second port, for senders of OTLP that expect it at 4318; HUMANLOOP_OTLP_PORT does the same
  --no-content    of what comes by OTLP, stores structure, tokens and timing only; so does
                  HUMANLOOP_CAPTURE_CONTENT=false
  --host ADDRESS  address to bind; any but a loopback address needs an API key (default 127.0.0.1)
  --db FILE       SQLite file, created if need be (default .humanloop/logs.db)
  --database URL  instead, a PostgreSQL database that any number of servers share: postgres://user@host/database; better
                  given in the environment variable HUMANLOOP_DATABASE_URL. Needs the package pg
  --public-url URL  where readers find it if a proxy is before it, such as https://logs.example.com/base
                  (environment variable HUMANLOOP_PUBLIC_URL)
  --api-key KEY   required of every request in the header X-API-KEY, or as bearer token; better given in the environment
                  variable HUMANLOOP_API_KEY, as other users can see a command line

check says what is installed and which calls will be seen, sends a log to HUMANLOOP_BASE_URL, reads it back and
deletes it. With a command, such as "-- node app.mjs", it runs that with --import humanloop-otel/register, unless it
preloads something that may set up tracing, waits for its first log, shows its session, and stops the command.

  --timeout SECONDS  how long to wait for the first log (default 60)
  --no-register      runs the command as it is

import reads OTLP JSON: one value on each line, as the Collector's file exporter writes it, or whole documents; also
gzipped, and - for the standard input. Importing a file again changes nothing.

  --server ADDRESS  the running server (default HUMANLOOP_BASE_URL without its /v4, else http://127.0.0.1:4340)
  --db FILE         instead, a database file that no server has open
  --project NAME    project of all logs (default that of their resource: humanloop.project, else service.name)
  --api-key KEY     of the running server
  --no-content      with --db, as of serve; a running server decides by itself

${EXIT_CODES}
  --help          print this
  --version       print the version
`;

/** By command, without those that every command has. */
const OPTIONS = {
  serve: ['port', 'otlp-port', 'host', 'db', 'database', 'public-url', 'api-key', 'no-content'],
  check: ['timeout', 'no-register'],
  import: ['server', 'db', 'project', 'api-key', 'no-content'],
};

class UsageError extends Error {}

type CommandValues = ReturnType<typeof readCommandLine>['values'];

try {
  await run(process.argv.slice(2));
} catch (error) {
  if (error instanceof UsageError) {
    process.stderr.write(`humanloop-otel: ${error.message}\n\n${USAGE}`);
    process.exitCode = 2;
  } else {
    process.stderr.write(`humanloop-otel: ${error instanceof HumanloopError ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}

async function run(commandLine: string[]): Promise<void> {
  const separator = commandLine.indexOf('--');
  const own = separator < 0 ? commandLine : commandLine.slice(0, separator);
  const command = separator < 0 ? [] : commandLine.slice(separator + 1);
  const { values, positionals } = readCommandLine(own);
  if (values.help) return void process.stdout.write(USAGE);
  if (values.version) return void process.stdout.write(`${readVersion()}\n`);
  if (positionals.length === 1 && positionals[0] === 'check') return runCheck(values, command, separator >= 0);
  if (positionals[0] === 'import') {
    if (separator >= 0) positionals.push(...command);
    return runImport(values, positionals.slice(1));
  }
  if (positionals.length !== 1 || positionals[0] !== 'serve') {
    throw new UsageError(positionals.length === 0 ? 'no command given' : `unknown command: ${positionals.join(' ')}`);
  }
  if (separator >= 0) throw new UsageError('serve runs no command');
  refuse(values, 'serve');
  const host = values.host ?? '127.0.0.1';
  const port = readPort('--port', values.port ?? '4340');
  const otlpPort = values['otlp-port'] ?? (process.env['HUMANLOOP_OTLP_PORT'] || undefined);
  const apiKey = readApiKey(values);
  const publicUrl = values['public-url'] ?? (process.env['HUMANLOOP_PUBLIC_URL'] || undefined);
  if (values.db !== undefined && values.database !== undefined) {
    throw new UsageError('serve takes --db or --database, not both');
  }
  const database =
    values.database ?? (values.db === undefined ? process.env['HUMANLOOP_DATABASE_URL'] || undefined : undefined);
  const options: ServerOptions = {
    host,
    port,
    captureContent: readCaptureContent(values),
    ...(otlpPort !== undefined && { otlpPort: readPort('--otlp-port', otlpPort) }),
    ...(values.db !== undefined && { file: values.db }),
    ...(database !== undefined && { database }),
    ...(apiKey !== undefined && { apiKey }),
    ...(publicUrl !== undefined && { publicUrl }),
  };
  const server = await startServer(options).catch((error: unknown) => {
    const failed = (error as { port?: unknown }).port;
    const isOtlp = failed !== undefined && failed === options.otlpPort;
    throw explainListenError(error, host, isOtlp ? Number(failed) : port, isOtlp ? '--otlp-port' : '--port');
  });
  const behindProxy = server.publicUrl === server.url ? '' : `, and ${server.publicUrl}/v4 behind your proxy`;
  process.stdout.write(`humanloop-otel serves ${server.baseUrl}${behindProxy}\nIts viewer is at ${server.publicUrl}\n`);
  if (behindProxy && apiKey === undefined) {
    process.stderr.write(
      `humanloop-otel: no API key is set: everyone who can reach ${server.publicUrl} can read and change all logs\n`,
    );
  }
  if (server.otlpUrl !== server.url) process.stdout.write(`OTLP is also taken at ${server.otlpUrl}\n`);
  closeOnSignal(server);
}

/** The code of the other half is loaded when it is needed: the server runs without OpenTelemetry. */
async function runCheck(values: CommandValues, command: string[], hasCommand: boolean): Promise<void> {
  refuse(values, 'check');
  if (hasCommand && command.length === 0) throw new UsageError('no command after --');
  const timeoutMillis = readSeconds(values.timeout ?? '60') * 1000;
  const { check } = await import('./check/check.ts').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new HumanloopError('check needs @opentelemetry/api: npm install @opentelemetry/api');
  });
  try {
    process.exitCode = await check({ command, timeoutMillis, noRegister: values['no-register'] ?? false });
  } catch (error) {
    throw error instanceof HumanloopError ? new UsageError(error.message) : error;
  }
}

async function runImport(values: CommandValues, files: readonly string[]): Promise<void> {
  refuse(values, 'import');
  if (files.length === 0) throw new UsageError('import: no file given, and no - for the standard input');
  if (values.server !== undefined && values.db !== undefined) {
    throw new UsageError('import takes --server or --db, not both');
  }
  if (values['no-content'] && values.db === undefined) {
    throw new UsageError('import --no-content needs --db: a running server decides by itself');
  }
  const isWhole = await importFiles({
    files,
    url: readServer(values.server ?? (process.env['HUMANLOOP_BASE_URL'] || 'http://127.0.0.1:4340')),
    apiKey: readApiKey(values),
    project: values.project,
    db: values.db,
    captureContent: readCaptureContent(values),
    stdin: process.stdin,
    stderr: process.stderr,
  });
  if (!isWhole) process.exitCode = 1;
}

/** Takes the address of the v4 API too. */
function readServer(address: string): string {
  if (isAddress(address)) return address.replace(/\/+$/, '').replace(/\/v4$/, '');
  throw new UsageError(checkError('--server', ['an http(s) address', isAddress, explainAddress], address).message);
}

/** An empty variable counts as unset. An empty key on the command line is a mistake, and the server refuses it. */
function readApiKey(values: CommandValues): string | undefined {
  return values['api-key'] ?? (process.env['HUMANLOOP_API_KEY'] || undefined);
}

function readCaptureContent(values: CommandValues): boolean {
  if (values['no-content']) return false;
  const isBoolean = (value: unknown) => typeof value === 'boolean';
  return (readVariable(process.env, 'captureContent', ['true or false', isBoolean]) as boolean | undefined) ?? true;
}

function refuse(values: CommandValues, command: keyof typeof OPTIONS): void {
  const allowed = new Set([...OPTIONS[command], 'help', 'version']);
  const name = Object.keys(values).find((option) => !allowed.has(option));
  if (name) throw new UsageError(`${command} has no option --${name}`);
}

function readSeconds(text: string): number {
  const seconds = Number(text);
  if (text.trim() && seconds > 0 && seconds <= 86_400) return seconds;
  throw new UsageError(optionError('--timeout', 'seconds, more than 0 and at most 86400', text).message);
}

function readCommandLine(commandLine: string[]) {
  try {
    return parseArgs({
      args: commandLine,
      allowPositionals: true,
      options: {
        port: { type: 'string' },
        'otlp-port': { type: 'string' },
        server: { type: 'string' },
        project: { type: 'string' },
        'no-content': { type: 'boolean' },
        host: { type: 'string' },
        db: { type: 'string' },
        database: { type: 'string' },
        'public-url': { type: 'string' },
        'api-key': { type: 'string' },
        timeout: { type: 'string' },
        'no-register': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function readPort(option: string, text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new UsageError(optionError(option, 'a whole number from 0 to 65535', text).message);
}

function readVersion(): string {
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;
}

/** The first signal closes the server in order; a second one ends the process at once, as signals do by default. */
function closeOnSignal(server: RunningServer): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      void server.close();
    });
  }
}
