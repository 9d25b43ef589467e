#!/usr/bin/env node
/** The command line. The only room that touches the process: signals, exit codes, output. */
import { readFileSync } from 'node:fs';
import { explainAddress, isAddress, isPostgresAddress } from './address.ts';
import {
  type CommandLine,
  type CommandValues,
  DELETE_OPTIONS,
  flagsOf,
  fromEnvironment,
  readCommandLine,
  readPort,
  readSeconds,
  readWith,
  USAGE,
  UsageError,
} from './cli/command-line.ts';
import { DURATION_FORM, parseDuration, parseSize, SIZE_FORM } from './cli/units.ts';
import { readVariable } from './environment.ts';
import { checkError, HumanloopError, OptionError, optionError } from './errors.ts';
import { importFiles } from './import/import-files.ts';
import { explainListenError } from './server/http/port.ts';
import { type RunningServer, type ServerOptions, startServer } from './server/index.ts';

try {
  await run(process.argv.slice(2));
} catch (error) {
  if (error instanceof UsageError) {
    process.stderr.write(`humanloop-otel: ${error.message}\n\n${USAGE.split('\n\n', 1)}\n\n--help says more.\n`);
    process.exitCode = 2;
  } else {
    process.stderr.write(`humanloop-otel: ${error instanceof HumanloopError ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}

async function run(words: readonly string[]): Promise<void> {
  const line = readCommandLine(words);
  if (line === 'help') return void process.stdout.write(USAGE);
  if (line === 'version') return void process.stdout.write(`${readVersion()}\n`);
  const { command, operands, values, program } = line;
  if (command === 'serve') return serve(values);
  if (command === 'check') return runCheck(values, program);
  if (command === 'import') return runImport(values, operands);
  if (command === 'migrate') return runMigrate(values);
  process.stdout.write(`humanloop-otel: ${await maintain(line)}\n`);
}

async function serve(values: CommandValues): Promise<void> {
  const host = values.host ?? '127.0.0.1';
  const port = readPort('--port', values.port ?? '4340');
  const otlpPort = values['otlp-port'] ?? fromEnvironment('HUMANLOOP_OTLP_PORT');
  const apiKey = readApiKey(values);
  const database = readDatabase('serve', values);
  const search = values.search ?? fromEnvironment('HUMANLOOP_SEARCH');
  const publicUrl = values['public-url'] ?? fromEnvironment('HUMANLOOP_PUBLIC_URL');
  const keepMillis = readWith(parseDuration, '--keep', values.keep ?? fromEnvironment('HUMANLOOP_KEEP'), DURATION_FORM);
  const maxSizeBytes = readSize(values['max-size'] ?? fromEnvironment('HUMANLOOP_MAX_SIZE'));
  const options: ServerOptions = {
    host,
    port,
    captureContent: readCaptureContent(values),
    ...(otlpPort !== undefined && { otlpPort: readPort('--otlp-port', otlpPort) }),
    ...(keepMillis !== undefined && { keepMillis }),
    ...(maxSizeBytes !== undefined && { maxSizeBytes }),
    ...(values.db !== undefined && { file: values.db }),
    ...(database !== undefined && { database }),
    ...(search !== undefined && { search: readSearch(search) }),
    ...(apiKey !== undefined && { apiKey }),
    ...(publicUrl !== undefined && { publicUrl }),
  };
  const server = await startServer(options).catch((error: unknown) => {
    const failed = (error as { port?: unknown }).port;
    const isOtlp = failed !== undefined && failed === options.otlpPort;
    if (error instanceof OptionError) throw new UsageError(`option ${flagsOf(error.option)}: ${error.fault}`);
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
async function runCheck(values: CommandValues, program: readonly string[] | undefined): Promise<void> {
  if (program?.length === 0) throw new UsageError('no command after --');
  const timeoutMillis = readSeconds(values.timeout ?? '60') * 1000;
  const { check } = await import('./check/check.ts').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new HumanloopError('check needs @opentelemetry/api: npm install @opentelemetry/api');
  });
  try {
    const command = [...(program ?? [])];
    process.exitCode = await check({ command, timeoutMillis, noRegister: values['no-register'] ?? false });
  } catch (error) {
    throw error instanceof HumanloopError ? new UsageError(error.message) : error;
  }
}

async function runImport(values: CommandValues, files: readonly string[]): Promise<void> {
  if (files.length === 0) throw new UsageError('import: no file given, and no - for the standard input');
  if (values.server !== undefined && values.db !== undefined) {
    throw new UsageError('import takes --server or --db, not both');
  }
  if (values['no-content'] && values.db === undefined) {
    throw new UsageError('import --no-content needs --db: a running server decides by itself');
  }
  const isWhole = await importFiles({
    files,
    url: readServer(values.server ?? fromEnvironment('HUMANLOOP_BASE_URL') ?? 'http://127.0.0.1:4340'),
    apiKey: readApiKey(values),
    project: values.project,
    db: values.db,
    captureContent: readCaptureContent(values),
    stdin: process.stdin,
    stderr: process.stderr,
  });
  if (!isWhole) process.exitCode = 1;
}

async function runMigrate(values: CommandValues): Promise<void> {
  const { from = '.humanloop/logs.db' } = values;
  const to = values.to ?? fromEnvironment('HUMANLOOP_DATABASE_URL');
  if (from === '') throw new UsageError(optionError('--from', 'a non-empty string', from).message);
  if (to === undefined) throw new UsageError('migrate needs --to or HUMANLOOP_DATABASE_URL');
  // Not the address itself, which has a password in it.
  if (!isPostgresAddress(to))
    throw new UsageError('option --to: expected an address of one host such as postgres://user@host/database');
  const { migrate } = await import('./cli/migrate.ts');
  const isWhole = await migrate({ from, to, stderr: process.stderr, stdout: process.stdout });
  if (!isWhole) process.exitCode = 1;
}

/** Returns the line that says what was done. */
async function maintain({ command, operands, values }: CommandLine): Promise<string> {
  const { backUp, compact, deleteLogs, prune, restore } = await import('./cli/maintenance.ts');
  const { db } = values;
  const operand = operands[0] ?? '';
  const database = command === 'delete' || command === 'prune' ? readDatabase(command, values) : undefined;
  if (db === '') throw new UsageError(optionError('--db', 'a non-empty string', db).message);
  if (command === 'compact') return compact(db);
  if (command === 'backup') return backUp(operand, values);
  if (command === 'restore') return restore(operand, values);
  if (command === 'delete') {
    const given = DELETE_OPTIONS.filter((name) => values[name] !== undefined);
    if (given.length !== 1) throw new UsageError('delete needs one of --session, --user, --project and --log');
    if (values[given[0]!] === '') throw new UsageError(optionError(`--${given[0]}`, 'a non-empty string', '').message);
    return deleteLogs({ ...values, database });
  }
  const olderThanMillis = readWith(parseDuration, '--older-than', values['older-than'], DURATION_FORM);
  const maxSizeBytes = readSize(values['max-size']);
  if (olderThanMillis === undefined && maxSizeBytes === undefined) {
    throw new UsageError('prune needs --older-than or --max-size');
  }
  return prune({ db, database, olderThanMillis, maxSizeBytes });
}

/** A file that is named is meant, whatever the environment says. */
function readDatabase(command: string, { db, database }: CommandValues): string | undefined {
  if (db !== undefined && database !== undefined) throw new UsageError(`${command} takes --db or --database, not both`);
  const address = database ?? (db === undefined ? fromEnvironment('HUMANLOOP_DATABASE_URL') : undefined);
  if (address === undefined || isPostgresAddress(address)) return address;
  // Not the address itself, which has a password in it.
  throw new UsageError('option --database: expected an address of one host such as postgres://user@host/database');
}

function readSearch(text: string): 'index' | 'off' {
  if (text === 'index' || text === 'off') return text;
  throw new UsageError(optionError('--search', 'index or off', text).message);
}

/** Takes the address of the v4 API too. */
function readServer(address: string): string {
  if (isAddress(address)) return address.replace(/\/+$/, '').replace(/\/v4$/, '');
  throw new UsageError(checkError('--server', ['an http(s) address', isAddress, explainAddress], address).message);
}

/** An empty key on the command line is a mistake, and the server refuses it. */
function readApiKey(values: CommandValues): string | undefined {
  return values['api-key'] ?? fromEnvironment('HUMANLOOP_API_KEY');
}

function readCaptureContent(values: CommandValues): boolean {
  if (values['no-content']) return false;
  const isBoolean = (value: unknown) => typeof value === 'boolean';
  return (readVariable(process.env, 'captureContent', ['true or false', isBoolean]) as boolean | undefined) ?? true;
}

function readSize(text: string | undefined): number | undefined {
  return readWith(parseSize, '--max-size', text, SIZE_FORM);
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
