/**
 * Takes over what dead processes have left in the directory, when this process's file is opened and then every 30 s, in
 * slices between turns of the event loop.
 */
import type { SpoolOptions } from '../../options.ts';
import { EarliestTimer } from '../../scheduling/earliest-timer.ts';
import { Turns } from '../../scheduling/turns.ts';
import { explainSqliteError } from '../../sqlite/open.ts';
import type { Drops } from '../drops.ts';
import type { SpoolOwner } from '../ledger/spool.ts';
import { takeOverFiles } from './directory.ts';
import type { DiskWarnings } from './disk-warnings.ts';
import type { SpoolFile } from './file.ts';
import { partsByTrace, recoverEntries } from './recover-entries.ts';

const INTERVAL_MILLIS = 30_000;
/** Number of logs that become entries between two turns. */
const RECOVERED_AT_ONCE = 500;
/** Number of logs that are probed together: those that are not there are then posted together. */
const PROBED_TOGETHER = 100;

export class Recovery {
  readonly #options: SpoolOptions;
  readonly #drops: Drops;
  readonly #owner: SpoolOwner;
  readonly #warnings: DiskWarnings;
  readonly #turns = new Turns(() => this.#recover());
  readonly #timer = new EarliestTimer(() => this.#look());
  #file: SpoolFile | undefined;
  #isUnderWay = false;
  /** Called when the current recovery is done. */
  readonly #waiting: (() => void)[] = [];

  constructor(options: SpoolOptions, drops: Drops, owner: SpoolOwner, warnings: DiskWarnings) {
    this.#options = options;
    this.#drops = drops;
    this.#owner = owner;
    this.#warnings = warnings;
  }

  /** Starts to look for files of dead processes; their rows are moved into `file`. */
  start(file: SpoolFile): void {
    this.#file = file;
    this.#look();
  }

  /** Resolves when the owner has the logs that dead processes had left by now. */
  done(): Promise<void> {
    return this.#isUnderWay ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve();
  }

  /** Stops: the owner gets no more logs. */
  stop(): void {
    this.#file = undefined;
    this.#timer.clear();
  }

  #look(): void {
    this.#timer.clear();
    this.#timer.fireAt(performance.now() + INTERVAL_MILLIS);
    this.#isUnderWay = true;
    this.#turns.schedule();
  }

  *#recover(): Generator<void> {
    try {
      const file = this.#file;
      if (!file) return;
      file.markAlive(Date.now());
      const { logs, expired } = yield* takeOverFiles(this.#options, file);
      for (const referenceId of expired) this.#drops.add('spool_expired', referenceId);
      for (const part of partsByTrace(logs, RECOVERED_AT_ONCE)) {
        if (!this.#file) return;
        const entries = recoverEntries(part);
        for (let start = 0; start < entries.length; start += PROBED_TOGETHER) {
          this.#owner.recover(entries.slice(start, start + PROBED_TOGETHER));
        }
        yield;
      }
    } catch (cause) {
      this.#warnings.failed(explainSqliteError(cause, this.#options.directory));
    } finally {
      this.#isUnderWay = false;
      for (const resolve of this.#waiting.splice(0)) resolve();
    }
  }
}
