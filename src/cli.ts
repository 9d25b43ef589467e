#!/usr/bin/env node
/** The command line: `humanloop-otel serve`. The only room that touches the process: signals, exit codes, output. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { HumanloopError, optionError } from './errors.ts';
import { explainListenError } from './server/http/port.ts';
import { type RunningServer, type ServerOptions, startServer } from './server/index.ts';

const USAGE = `Usage: humanloop-otel serve [options]

Starts the v4-compatible log server.

Options:
  --port NUMBER   port to listen on; 0 lets the system choose (default 4340)
  --host ADDRESS  address to bind; any but a loopback address needs an API key (default 127.0.0.1)
  --db FILE       SQLite file, created if need be (default .humanloop/logs.db)
  --api-key KEY   required of every request in the header X-API-KEY; better given in the environment
                  variable HUMANLOOP_API_KEY, as other users can see a command line
  --help          print this
  --version       print the version
`;

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
  const { values, positionals } = readCommandLine(commandLine);
  if (values.help) return void process.stdout.write(USAGE);
  if (values.version) return void process.stdout.write(`${readVersion()}\n`);
  if (positionals.length !== 1 || positionals[0] !== 'serve') {
    throw new UsageError(positionals.length === 0 ? 'no command given' : `unknown command: ${positionals.join(' ')}`);
  }
  const host = values.host ?? '127.0.0.1';
  const port = readPort(values.port ?? '4340');
  // An empty variable counts as unset. An empty key on the command line is a mistake, and the server refuses it.
  const apiKey = values['api-key'] ?? (process.env['HUMANLOOP_API_KEY'] || undefined);
  const options: ServerOptions = {
    host,
    port,
    ...(values.db !== undefined && { file: values.db }),
    ...(apiKey !== undefined && { apiKey }),
  };
  const server = await startServer(options).catch((error: unknown) => {
    throw explainListenError(error, host, port, '--port');
  });
  process.stdout.write(`humanloop-otel serves ${server.baseUrl}\nIts viewer is at ${server.url}\n`);
  closeOnSignal(server);
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
