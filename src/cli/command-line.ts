/** Reads the command line: which command, and what it is given. */
import { parseArgs } from 'node:util';
import { EXIT_CODES } from '../check/exit-codes.ts';
import type { CommandLineVariable } from '../check/unread-variables.ts';
import { optionError } from '../errors.ts';

export const USAGE = `Usage: humanloop-otel serve [options]
       humanloop-otel check [options] [-- COMMAND ...]
       humanloop-otel import [options] FILE ...
       humanloop-otel delete --session REF | --user ID | --project NAME | --log ID
       humanloop-otel prune --older-than AGE | --max-size SIZE
       humanloop-otel compact
       humanloop-otel backup FILE
       humanloop-otel restore FILE
       humanloop-otel migrate --to URL

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
  --keep AGE      deletes sessions whose last change is longer ago, such as 30d (HUMANLOOP_KEEP)
  --max-size SIZE deletes the sessions that changed longest ago when the database is larger, such as 20GB
                  (HUMANLOOP_MAX_SIZE). Of a file, what is in use of it and of its index of words: its write-ahead logs
                  and its reserve come on top, up to some 170 MB
  --search off    with --database: writes no index of words, so that logs are found by filters only (HUMANLOOP_SEARCH)

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
delete erases logs from the database for good: the logs of a session, by its id or reference; those whose metadata name
a user, and the feedback of that user; a project with all its logs; one log. prune does what serve does with --keep and
--max-size, once. compact writes the file again without free space. backup writes a consistent copy, restore puts one in
the place of the database while no server uses it. All but restore also work while the server runs.

  --db FILE       the database (default .humanloop/logs.db)
  --database URL  of delete and prune: a PostgreSQL database; also HUMANLOOP_DATABASE_URL
  --force         of backup and restore: replaces a file that is there

migrate moves everything of a database file into a PostgreSQL database, which servers may use already; no server may use
the file. Ended at any point and started again, it goes on where it was. It exits with 0 if everything is there.

  --from FILE     the file (default .humanloop/logs.db)
  --to URL        the database (default HUMANLOOP_DATABASE_URL): postgres://user@host/database

  --help          print this
  --version       print the version
`;

/** Those of which `delete` takes one. */
export const DELETE_OPTIONS = ['session', 'user', 'project', 'log'] as const;

/** By command, without those that every command has. */
const OPTIONS = {
  serve: [
    'port',
    'otlp-port',
    'host',
    'db',
    'database',
    'public-url',
    'api-key',
    'no-content',
    'keep',
    'max-size',
    'search',
  ],
  check: ['timeout', 'no-register'],
  import: ['server', 'db', 'project', 'api-key', 'no-content'],
  delete: ['db', 'database', ...DELETE_OPTIONS],
  prune: ['db', 'database', 'older-than', 'max-size'],
  compact: ['db'],
  backup: ['db', 'force'],
  restore: ['db', 'force'],
  migrate: ['from', 'to'],
} as const;

export type Command = keyof typeof OPTIONS;
export type CommandValues = ReturnType<typeof parse>['values'];

export interface CommandLine {
  readonly command: Command;
  readonly operands: readonly string[];
  readonly values: CommandValues;
  /** What stands after `--`; absent without it. */
  readonly program?: readonly string[];
}

export class UsageError extends Error {}

/** Returns which of the two is asked for instead of a command. Throws a `UsageError`. */
export function readCommandLine(words: readonly string[]): CommandLine | 'help' | 'version' {
  const separator = words.indexOf('--');
  const { values, positionals } = parse(separator < 0 ? words : words.slice(0, separator));
  if (values.help) return 'help';
  if (values.version) return 'version';
  const program = separator < 0 ? undefined : words.slice(separator + 1);
  const [command, ...operands] = positionals;
  if (command === undefined) throw new UsageError('no command given');
  if (!isCommand(command)) throw unknown(positionals);
  if (command === 'import') operands.push(...(program ?? []));
  else if (operands.length > countFiles(command)) throw unknown(positionals);
  if (operands.length < countFiles(command)) throw new UsageError(`${command} needs a file`);
  const foreign = Object.keys(values).find((name) => !(OPTIONS[command] as readonly string[]).includes(name));
  if (foreign) throw new UsageError(`${command} has no option --${foreign}`);
  if (program && command !== 'check' && command !== 'import') throw new UsageError(`${command} runs no command`);
  return { command, operands, values, ...(program && { program }) };
}

function isCommand(word: string): word is Command {
  return Object.hasOwn(OPTIONS, word);
}

function countFiles(command: Command): number {
  return command === 'backup' || command === 'restore' ? 1 : 0;
}

function unknown(positionals: readonly string[]): UsageError {
  const [command, ...operands] = positionals;
  if (command === 'check') return new UsageError(`the command to run follows --: check -- ${operands.join(' ')}`);
  return new UsageError(`unknown command: ${positionals.join(' ')}`);
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
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
        keep: { type: 'string' },
        'max-size': { type: 'string' },
        'older-than': { type: 'string' },
        search: { type: 'string' },
        session: { type: 'string' },
        user: { type: 'string' },
        log: { type: 'string' },
        force: { type: 'boolean' },
        from: { type: 'string' },
        to: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

export function readPort(option: string, text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new UsageError(optionError(option, 'a whole number from 0 to 65535', text).message);
}

export function readSeconds(text: string): number {
  const seconds = Number(text);
  if (text.trim() && seconds > 0 && seconds <= 86_400) return seconds;
  throw new UsageError(optionError('--timeout', 'seconds, more than 0 and at most 86400', text).message);
}

/** How `serve` is given the options of `startServer`, where that is not `--` with the same name. */
const FLAGS: Readonly<Record<string, string>> = {
  file: '--db',
  otlpPort: '--otlp-port (or HUMANLOOP_OTLP_PORT)',
  apiKey: '--api-key (or HUMANLOOP_API_KEY)',
  publicUrl: '--public-url (or HUMANLOOP_PUBLIC_URL)',
  keepMillis: '--keep (or HUMANLOOP_KEEP), in milliseconds',
  maxSizeBytes: '--max-size (or HUMANLOOP_MAX_SIZE), in bytes',
  search: '--search (or HUMANLOOP_SEARCH)',
};

/** Returns how the person at the command line gives an option of `startServer`. */
export function flagsOf(option: string): string {
  return FLAGS[option] ?? `--${option}`;
}

/** An empty variable counts as unset. */
export function fromEnvironment(name: CommandLineVariable): string | undefined {
  return process.env[name] || undefined;
}

/** `form` says what the text should be like. */
export function readWith<Value>(
  parseText: (text: string) => Value | undefined,
  option: string,
  text: string | undefined,
  form: string,
): Value | undefined {
  if (text === undefined) return undefined;
  const value = parseText(text);
  if (value === undefined) throw new UsageError(optionError(option, form, text).message);
  return value;
}
