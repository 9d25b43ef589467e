#!/usr/bin/env node
/** The command line: `humanloop-otel serve`, `check` and the commands of `cli/maintenance.ts`. The only room that touches the process: signals, exit codes, output. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { EXIT_CODES } from './check/exit-codes.ts';
import { DURATION_FORM, parseDuration, parseSize, SIZE_FORM } from './cli/units.ts';
import { HumanloopError, optionError } from './errors.ts';
import { explainListenError } from './server/http/port.ts';
import { type RunningServer, type ServerOptions, startServer } from './server/index.ts';

const USAGE = `Usage: humanloop-otel serve [options]
       humanloop-otel check [options] [-- COMMAND ...]
       humanloop-otel delete --session REF | --user ID | --project NAME | --log ID
       humanloop-otel prune --older-than AGE | --max-size SIZE
       humanloop-otel compact
       humanloop-otel backup FILE
       humanloop-otel restore FILE

serve starts the v4-compatible log server.

  --port NUMBER   port to listen on; 0 lets the system choose (default 4340)
  --host ADDRESS  address to bind; any but a loopback address needs an API key (default 127.0.0.1)
  --db FILE       SQLite file, created if need be (default .humanloop/logs.db)
  --api-key KEY   required of every request in the header X-API-KEY; better given in the environment
                  variable HUMANLOOP_API_KEY, as other users can see a command line
  --keep AGE      deletes sessions whose last change is longer ago, such as 30d (HUMANLOOP_KEEP)
  --max-size SIZE deletes the sessions that changed longest ago when the database is larger, such as 20GB
                  (HUMANLOOP_MAX_SIZE)

check says what is installed and which calls will be seen, sends a log to HUMANLOOP_BASE_URL, reads it back and
deletes it. With a command, such as "-- node app.mjs", it runs that with --import humanloop-otel/register, unless it
preloads something that may set up tracing, waits for its first log, shows its session, and stops the command.

  --timeout SECONDS  how long to wait for the first log (default 60)
  --no-register      runs the command as it is

${EXIT_CODES}
delete erases logs from the database for good: the logs of a session, by its id or reference; those whose metadata name
a user, and the feedback of that user; a project with all its logs; one log. prune does what serve does with --keep and
--max-size, once. compact writes the file again without free space. backup writes a consistent copy, restore puts one in
the place of the database while no server uses it. All but restore also work while the server runs.

  --db FILE       the database (default .humanloop/logs.db)
  --force         of backup and restore: replaces a file that is there

  --help          print this
  --version       print the version
`;

const DELETE_OPTIONS = ['session', 'user', 'project', 'log'] as const;
/** The options of each command. */
const OPTIONS: Readonly<Record<string, readonly string[]>> = {
  serve: ['port', 'host', 'db', 'api-key', 'keep', 'max-size'],
  check: ['timeout', 'no-register'],
  delete: ['db', ...DELETE_OPTIONS],
  prune: ['db', 'older-than', 'max-size'],
  compact: ['db'],
  backup: ['db', 'force'],
  restore: ['db', 'force'],
};

class UsageError extends Error {}

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
  const program = separator < 0 ? [] : commandLine.slice(separator + 1);
  const { values, positionals } = readCommandLine(own);
  if (values.help) return void process.stdout.write(USAGE);
  if (values.version) return void process.stdout.write(`${readVersion()}\n`);
  const [command, ...operands] = positionals;
  if (command === undefined) throw new UsageError('no command given');
  const options = Object.hasOwn(OPTIONS, command) ? OPTIONS[command] : undefined;
  const wanted = command === 'backup' || command === 'restore' ? 1 : 0;
  if (!options || operands.length > wanted) throw new UsageError(`unknown command: ${positionals.join(' ')}`);
  if (operands.length < wanted) throw new UsageError(`${command} needs a file`);
  const foreign = Object.keys(values).find((name) => !options.includes(name));
  if (foreign) throw new UsageError(`${command} has no option --${foreign}`);
  if (command === 'check') return runCheck(values, program, separator >= 0);
  if (separator >= 0) throw new UsageError(`${command} runs no command`);
  if (command === 'serve') return serve(values);
  process.stdout.write(`humanloop-otel: ${await maintain(command, operands[0] ?? '', values)}\n`);
}

type Values = ReturnType<typeof readCommandLine>['values'];

async function serve(values: Values): Promise<void> {
  const host = values.host ?? '127.0.0.1';
  const port = readPort(values.port ?? '4340');
  // An empty variable counts as unset. An empty key on the command line is a mistake, and the server refuses it.
  const apiKey = values['api-key'] ?? fromEnvironment('HUMANLOOP_API_KEY');
  const keepMillis = readWith(parseDuration, '--keep', values.keep ?? fromEnvironment('HUMANLOOP_KEEP'), DURATION_FORM);
  const maxSizeBytes = readSize(values['max-size'] ?? fromEnvironment('HUMANLOOP_MAX_SIZE'));
  const options: ServerOptions = {
    host,
    port,
    ...(keepMillis !== undefined && { keepMillis }),
    ...(maxSizeBytes !== undefined && { maxSizeBytes }),
    ...(values.db !== undefined && { file: values.db }),
    ...(apiKey !== undefined && { apiKey }),
  };
  const server = await startServer(options).catch((error: unknown) => {
    throw explainListenError(error, host, port, '--port');
  });
  process.stdout.write(`humanloop-otel serves ${server.baseUrl}\nIts viewer is at ${server.url}\n`);
  closeOnSignal(server);
}

/** The code of the other half is loaded when it is needed: the server runs without OpenTelemetry. */
async function runCheck(
  values: { timeout?: string; 'no-register'?: boolean },
  command: string[],
  hasCommand: boolean,
): Promise<void> {
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

/** Returns the line that says what was done. */
async function maintain(command: string, operand: string, values: Values): Promise<string> {
  const { backUp, compact, deleteLogs, prune, restore } = await import('./cli/maintenance.ts');
  const { db } = values;
  if (db === '') throw new UsageError(optionError('--db', 'a non-empty string', db).message);
  if (command === 'compact') return compact(db);
  if (command === 'backup') return backUp(operand, values);
  if (command === 'restore') return restore(operand, values);
  if (command === 'delete') {
    const given = DELETE_OPTIONS.filter((name) => values[name] !== undefined);
    if (given.length !== 1) throw new UsageError('delete needs one of --session, --user, --project and --log');
    if (values[given[0]!] === '') throw new UsageError(optionError(`--${given[0]}`, 'a non-empty string', '').message);
    return deleteLogs(values);
  }
  const olderThanMillis = readWith(parseDuration, '--older-than', values['older-than'], DURATION_FORM);
  const maxSizeBytes = readSize(values['max-size']);
  if (olderThanMillis === undefined && maxSizeBytes === undefined) {
    throw new UsageError('prune needs --older-than or --max-size');
  }
  return prune({ db, olderThanMillis, maxSizeBytes });
}

/** An empty variable counts as unset. */
function fromEnvironment(name: string): string | undefined {
  return process.env[name] || undefined;
}

function readSize(text: string | undefined): number | undefined {
  return readWith(parseSize, '--max-size', text, SIZE_FORM);
}

function readWith<Value>(
  parse: (text: string) => Value | undefined,
  name: string,
  text: string | undefined,
  form: string,
): Value | undefined {
  if (text === undefined) return undefined;
  const value = parse(text);
  if (value === undefined) throw new UsageError(optionError(name, form, text).message);
  return value;
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
        host: { type: 'string' },
        db: { type: 'string' },
        'api-key': { type: 'string' },
        timeout: { type: 'string' },
        'no-register': { type: 'boolean' },
        keep: { type: 'string' },
        'max-size': { type: 'string' },
        'older-than': { type: 'string' },
        session: { type: 'string' },
        user: { type: 'string' },
        project: { type: 'string' },
        log: { type: 'string' },
        force: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function readPort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new UsageError(optionError('--port', 'a whole number from 0 to 65535', text).message);
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
