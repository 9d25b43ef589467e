/**
 * `humanloop-otel check`: says what is installed and seen, sends a log to the server and reads it back, and, with a
 * command, runs it and waits for its first log.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Fault } from '../delivery/advice.ts';
import { type ResolvedOptions, resolveOptions } from '../options.ts';
import { App } from '../register/app.ts';
import type { CreatedLog, LogResponse } from '../wire/v4.ts';
import { type AppProcess, hasOwnSetUp, hasRegister, scriptOf, startApp } from './app-process.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { formatSession } from './format-session.ts';
import { takeInventory } from './inventory.ts';
import { LogApi } from './log-api.ts';
import { listUnreadVariables } from './unread-variables.ts';

export interface CheckArguments {
  /** Program and arguments to run. Empty: none is run. */
  readonly command: readonly string[];
  /** How long to wait for the first log of the command. */
  readonly timeoutMillis: number;
  /** Runs the command as it is, without `register`. */
  readonly noRegister: boolean;
}

/** The only log of this project is deleted again. The API cannot delete a project. */
const PROJECT = 'humanloop-otel-check';
const POLL_MILLIS = 500;
/** A session whose logs have all ended counts as complete if it is the same this many polls later. */
const QUIET_POLLS = 3;

const EXIT_OF: Readonly<Record<Fault, ExitCode>> = {
  closed: EXIT.address,
  address: EXIT.address,
  answer: EXIT.address,
  key: EXIT.key,
  refused: EXIT.unreachable,
  unreachable: EXIT.unreachable,
  tls: EXIT.unreachable,
};

/** @throws {HumanloopError} if a variable is wrong. */
export async function check(args: CheckArguments): Promise<ExitCode> {
  const options = resolveOptions();
  const { lines, faults } = takeInventory(new App(scriptOf(args.command), process.cwd()));
  for (const line of lines) say(line);
  for (const name of listUnreadVariables(process.env)) {
    say(`Environment    ✗ ${name} is set, but humanloop-otel does not read it: is its name right?`);
  }
  const api = new LogApi(options);
  try {
    const code = await checkServer(api, options);
    if (code !== EXIT.ok) return code;
    if (args.command.length > 0) return await checkApp(api, options, args, faults);
    for (const fault of faults) say(`\n${fault}`);
    return faults.length > 0 ? EXIT.unseen : EXIT.ok;
  } finally {
    await api.close();
  }
}

async function checkServer(api: LogApi, { baseUrl }: ResolvedOptions): Promise<ExitCode> {
  const fail = (text: string, code: ExitCode) => {
    say(`Server         ✗ ${text}`);
    return code;
  };
  const reference = `check-${randomUUID()}`;
  const log = {
    project: PROJECT,
    reference_id: reference,
    config: { type: 'generic', name: 'check' },
    output: reference,
  };
  const created = await api.call<CreatedLog[]>('POST', '/logs', [log]);
  if (!('body' in created)) return fail(created.text, EXIT_OF[created.fault]);
  const id = Array.isArray(created.body) ? created.body[0]?.id : undefined;
  if (typeof id !== 'string')
    return fail(`${baseUrl} took a log, but gave it no id: is it a v4 log server?`, EXIT.address);
  const path = `/logs/${encodeURIComponent(id)}`;
  const read = await api.call<LogResponse>('GET', path);
  if (!('body' in read))
    return fail(`${baseUrl} took a log, but does not give it back: ${read.text}`, EXIT.notReadBack);
  if (read.body?.output !== reference) return fail(`${baseUrl} gives back another log than it took`, EXIT.notReadBack);
  const deleted = await api.call('DELETE', `/logs?${new URLSearchParams({ id })}`);
  const rest = 'body' in deleted ? 'and deleted it again' : `but did not delete it: it stays in the project ${PROJECT}`;
  say(`Server         ✓ ${baseUrl} took a log, gave it back, ${rest}`);
  return EXIT.ok;
}

async function checkApp(
  api: LogApi,
  options: ResolvedOptions,
  { command, timeoutMillis, noRegister }: CheckArguments,
  faults: readonly string[],
): Promise<ExitCode> {
  const nodeOptions = process.env['NODE_OPTIONS'];
  const isSetUp = noRegister || hasRegister(command, nodeOptions) || hasOwnSetUp(command, nodeOptions);
  const how = isSetUp
    ? 'as it is'
    : 'with --import humanloop-otel/register; use --no-register if it sets up tracing itself';
  say(`\nRuns ${command.join(' ')} (${how}), and waits up to ${timeoutMillis / 1000} s for its first log.\n`);
  const since = new Date();
  const app = startApp(command, !isSetUp);
  try {
    const session = await firstSession(api, since, app, timeoutMillis);
    say('');
    if (session.length > 0) return showSession(session, options);
    return explainNone(app, timeoutMillis, faults);
  } finally {
    await app.stop();
  }
}

/** Resolves to the logs of the first session since, when they are complete, or the command or the time is over. */
async function firstSession(api: LogApi, since: Date, app: AppProcess, timeoutMillis: number): Promise<LogResponse[]> {
  const untilMillis = performance.now() + timeoutMillis;
  let session: LogResponse[] = [];
  for (let quietPolls = 0; ; ) {
    const isOver = app.outcome !== undefined || performance.now() > untilMillis;
    const answer = await api.logsSince(since, PROJECT);
    const logs = 'body' in answer ? answer.body : [];
    const found = sessionOf(logs);
    quietPolls = found.length > 0 && found.length === session.length ? quietPolls + 1 : 0;
    session = found;
    const isComplete = session.every(({ duration }) => typeof duration === 'number');
    if (isOver || (quietPolls >= QUIET_POLLS && isComplete)) return session;
    await pause(POLL_MILLIS);
  }
}

function sessionOf(logs: readonly LogResponse[]): LogResponse[] {
  const [first] = [...logs].sort((a, b) => Date.parse(a.created_at ?? '') - Date.parse(b.created_at ?? '') || 0);
  return first ? logs.filter(({ session_id: id }) => id === first.session_id) : [];
}

function showSession(session: readonly LogResponse[], { baseUrl }: ResolvedOptions): ExitCode {
  for (const line of formatSession(session)) say(line);
  const viewer = baseUrl.replace(/\/v4$/, '');
  say(`\n${viewer}/sessions/${encodeURIComponent(session[0]?.session_id ?? '')}`);
  return EXIT.ok;
}

function explainNone({ outcome }: AppProcess, timeoutMillis: number, faults: readonly string[]): ExitCode {
  if (outcome?.error) {
    say(`✗ the command cannot be started: ${outcome.error.message}`);
    return EXIT.commandFailed;
  }
  if (outcome && outcome.code !== 0) {
    say(
      `✗ the command failed (${outcome.code === null ? 'by a signal' : `exit code ${outcome.code}`}) before a log came`,
    );
    return EXIT.commandFailed;
  }
  const when = outcome ? 'the command ended, and no log came' : `no log came within ${timeoutMillis / 1000} s`;
  const why = faults[0] ?? 'it called no model, or in a way that is not seen; its lines above may say more';
  say(`✗ ${when}: ${why}`);
  return EXIT.noLog;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
