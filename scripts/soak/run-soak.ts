/**
 * The soak: ordinary and hostile clients side by side on one server with a small heap, which is killed twice meanwhile,
 * backed up, and pruned. Afterwards everything that was acknowledged is looked for.
 */
import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { bundled } from '../../test/support/producer/start-producer.ts';
import { call, get, post } from './call.ts';
import { type Checked, checkLogs, checkSearch, findErasedIn, sample } from './check.ts';
import { Record, type Soak } from './client.ts';
import { markPruned, startDeleters } from './deleters.ts';
import { startHostileClients } from './hostile-clients.ts';
import { fillWithLargeData } from './large-data.ts';
import { Ledger } from './ledger.ts';
import { watchMachine } from './machine.ts';
import { startReaders } from './readers.ts';
import type { ServerFigures } from './server-process.ts';
import { type ServerProcess, startServerProcess } from './start-server.ts';
import { PROJECTS, startWriters } from './writers.ts';

export interface SoakOptions {
  readonly directory: string;
  readonly minutes: number;
  /** Told what happens. */
  readonly say?: (line: string) => void;
  /** Called when all clients have ended, before anything is checked. */
  readonly beforeCheck?: (url: string, ledger: Ledger) => Promise<void>;
}

export interface SoakReport {
  readonly record: Record;
  readonly checked: Checked;
  /** All that is wrong, those of the record and of the check as well. */
  readonly faults: readonly string[];
  /** Since the last start, with the seconds since the soak began. */
  readonly memory: readonly (ServerFigures & { readonly seconds: number })[];
  readonly fileBytes: number;
  readonly restartMillis: readonly number[];
  /** Of ordinary clients, and for how long of that the machine was in the way. */
  readonly slow: readonly { readonly kind: string; readonly millis: number; readonly machineMillis: number }[];
  /** Delays of a process that does nothing. */
  readonly machine: { readonly timerMillis: number; readonly diskMillis: number };
}

/** In parts of the whole time. */
const KILLS = [0.2, 0.4];
const BACKUPS = [0.3, 0.8];
const PRUNING = 0.5;
/** What is older is deleted: the sessions of the first moments. However long that takes, later ones stay. */
const PRUNED_AGE = 0.45;
/** After a start, all connections are new, and the index catches up. */
const RESTING_MILLIS = 2_000;
const SEARCHED = 100;
const ERASURE_MILLIS = 60_000;
/** The engine moves rows between pages, and does not always overwrite where they were: docs/server.md, "Erasure". */
const MAX_COPIES_SHARE = 0.001;

export async function runSoak({ directory, minutes, say = () => {}, beforeCheck }: SoakOptions): Promise<SoakReport> {
  const file = join(directory, 'logs.db');
  const totalMillis = minutes * 60_000;
  const record = new Record();
  const ledger = new Ledger();
  let process = await startServerProcess({ file });
  const server = { url: process.url, isRestarting: false, starts: 1 };
  const machine = await watchMachine(directory, () => process.child.pid);
  let data = await fillWithLargeData(() => server.url);
  const projectIds: string[] = [];
  for (const name of PROJECTS) {
    projectIds.push(JSON.parse((await call(server.url, post('/v4/projects', { name }))).text).id);
  }
  const begun = Date.now();
  const soak: Soak = { server, record, isOver: () => Date.now() - begun >= totalMillis };
  const at = (share: number) => delay(Math.max(0, begun + share * totalMillis - Date.now()));
  const restartMillis: number[] = [];
  let memory: (ServerFigures & { seconds: number })[] = [];

  const killTwice = async (): Promise<void> => {
    for (const share of KILLS) {
      await at(share);
      server.isRestarting = true;
      const killed = performance.now();
      await process.kill();
      process = await startServerProcess({ file });
      Object.assign(server, { url: process.url, starts: server.starts + 1 });
      memory = [];
      restartMillis.push(performance.now() - killed);
      say(`killed and started again in ${Math.round(restartMillis.at(-1)!)} ms`);
      await delay(RESTING_MILLIS);
      server.isRestarting = false;
    }
  };

  const backUp = async (): Promise<void> => {
    for (const share of BACKUPS) {
      await at(share);
      const expected = sample(
        [...ledger.logs()].filter(({ fate, isBusy }) => fate === 'stored' && !isBusy),
        SEARCHED,
      );
      const copy = join(directory, `backup-${share}.db`);
      say(await runCommand(['backup', copy, '--db', file]));
      const faults = await checkBackup(
        copy,
        expected.filter(({ fate }) => fate === 'stored').map(({ session }) => session.reference),
      );
      record.faults.push(...faults);
    }
  };

  const prune = async (): Promise<void> => {
    await at(PRUNING);
    const ageSeconds = Math.round((totalMillis * PRUNED_AGE) / 1_000);
    const started = Date.now();
    say(await runCommand(['prune', '--older-than', `${ageSeconds}s`, '--db', file]));
    markPruned(ledger, ageSeconds * 1_000, started, Date.now());
    data = await fillWithLargeData(() => server.url);
  };

  /** A server that ends by itself is a fault, whose reason is in what it has printed. */
  const watchServer = async (): Promise<void> => {
    while (!soak.isOver()) {
      await delay(500);
      const watched = process;
      const ended = await Promise.race([watched.ended, delay(500)]);
      if (ended === undefined || server.isRestarting || watched !== process) continue;
      record.faults.push(`the server has ended (${ended}): ${watched.output().slice(-2_000)}`);
      process = await startServerProcess({ file });
      Object.assign(server, { url: process.url, starts: server.starts + 1 });
    }
  };

  const watchMemory = async (): Promise<void> => {
    while (!soak.isOver()) {
      await delay(Math.max(3_000, totalMillis / 100));
      const figures = await measure(process);
      if (figures) memory.push({ ...figures, seconds: (Date.now() - begun) / 1_000 });
    }
  };

  const clients = [
    ...startWriters(soak, ledger),
    ...startReaders(soak, ledger, projectIds),
    ...startDeleters(soak, ledger),
    ...startHostileClients(soak, 1_000, () => data),
  ];
  try {
    await Promise.all([...clients, killTwice(), backUp(), prune(), watchServer(), watchMemory()]);
    say('all clients have ended');
    await whenIndexed(server.url);
    await beforeCheck?.(server.url, ledger);
    const checked = await checkLogs(server.url, ledger);
    const faults = [...record.faults, ...checked.faults, ...(await checkSearch(server.url, ledger, SEARCHED))];
    say('checked the logs and the search');
    const copies = await whenErased(file, ledger);
    if (copies.length > checked.logs.deleted * MAX_COPIES_SHARE) faults.push(describeLeft(copies));
    else if (copies.length > 0) {
      say(`${describeLeft(copies)}: the engine has left copies in unused parts of pages`);
      say(await runCommand(['compact', '--db', file]));
      const left = await whenErased(file, ledger);
      if (left.length > 0) faults.push(`compacted, ${describeLeft(left)}`);
    }
    const fileBytes = statSync(file).size;
    const slow = record.slow.map(({ kind, from, to }) => ({
      ...{ kind, millis: to - from, machineMillis: machine.delaysBetween(from, to) },
    }));
    return { record, checked, faults, memory, fileBytes, restartMillis, slow, machine: machine.longest() };
  } finally {
    await machine.close();
    await process.kill();
  }
}

/** A killed server cannot be measured. */
function measure(process: ServerProcess): Promise<ServerFigures | undefined> {
  return process.measure().catch(() => undefined);
}

async function runCommand(command: readonly string[]): Promise<string> {
  const cli = await bundled('src/cli.ts');
  const { stdout } = await promisify(execFile)(process.execPath, ['--no-warnings', cli, ...command]);
  return stdout.trim();
}

/** All sessions whose logs were acknowledged before the backup are in it, unless they were deleted before it ended. */
async function checkBackup(file: string, references: readonly string[]): Promise<string[]> {
  const server = await startServerProcess({ file });
  try {
    const faults: string[] = [];
    for (const reference of references) {
      const { status } = await call(server.url, get(`/viewer/api/names/${encodeURIComponent(reference)}`));
      if (status !== 200) faults.push(`the backup has no ${reference} (${status})`);
    }
    return faults;
  } finally {
    await server.kill();
  }
}

async function whenIndexed(url: string): Promise<void> {
  for (const end = Date.now() + 120_000; Date.now() < end; await delay(500)) {
    const { text } = await call(url, get('/viewer/api/sessions?size=1'));
    if (!('indexing' in JSON.parse(text))) return;
  }
}

function describeLeft(logs: readonly string[]): string {
  return `${logs.length} deleted logs are in the file, the first is ${logs[0]}`;
}

/** Deleted content leaves the file within seconds. Returns what is left of it at the end. */
async function whenErased(file: string, ledger: Ledger): Promise<string[]> {
  const end = Date.now() + ERASURE_MILLIS;
  for (;;) {
    const left = await findErasedIn(file, ledger);
    if (left.length === 0 || Date.now() > end) return left.map(({ reference, marker }) => reference ?? marker);
    await delay(2_000);
  }
}
