/** `migrate`: what it says while it runs, and its verdict. */
import type { Comparison } from '../server/store/moving/compare.ts';
import { isComplete } from '../server/store/moving/compare.ts';
import { type MoveOutcome, moveToPostgres, type Progress } from '../server/store/moving/move.ts';

const REPORT_MILLIS = 2_000;

export interface MigrateOptions {
  readonly from: string;
  readonly to: string;
  readonly stderr: { write(text: string): unknown };
  /** One line or more with the verdict. */
  readonly stdout: { write(text: string): unknown };
}

/** Resolves to whether everything of the file is in the database. Rejects with a `HumanloopError`. */
export async function migrate({ from, to, stderr, stdout }: MigrateOptions): Promise<boolean> {
  const say = (text: string) => stderr.write(`humanloop-otel: ${text}\n`);
  const started = performance.now();
  let reportedAt = started;
  const onProgress = (progress: Progress): void => {
    const isLast = progress.done >= progress.of;
    if (!isLast && performance.now() - reportedAt < REPORT_MILLIS) return;
    reportedAt = performance.now();
    say(describeProgress(progress, started));
  };
  // Sockets of a pool do not keep a process alive.
  const alive = setInterval(() => {}, 60_000);
  try {
    const outcome = await moveToPostgres({ file: from, url: to, onProgress });
    for (const warning of warningsOf(outcome)) say(warning);
    stdout.write(`${describeComparison(outcome.comparison)}\n`);
    const isWhole = isComplete(outcome.comparison);
    stdout.write(isWhole ? WHOLE : NOT_WHOLE);
    return isWhole;
  } finally {
    clearInterval(alive);
  }
}

const WHOLE = 'humanloop-otel: everything of the file is in the database\n';
const NOT_WHOLE =
  'humanloop-otel: NOT everything of the file is in the database: keep the file, and see what has deleted from the database meanwhile, such as --keep\n';

function describeProgress({ what, done, of }: Progress, started: number): string {
  const seconds = Math.round((performance.now() - started) / 1000);
  return `${done} of ${of} ${what} are in the database, after ${seconds} s`;
}

function* warningsOf({ renamedProjects, comparison }: MoveOutcome): Generator<string> {
  for (const name of renamedProjects) {
    yield `the database had a project ${JSON.stringify(name)} already: its logs join that, which keeps its own id`;
  }
  if (comparison.elsewhere.logs > 0) {
    yield `${comparison.elsewhere.logs} logs were in the database already, by their references: those are kept, under their own ids`;
  }
}

function describeComparison({ file, database, elsewhere }: Comparison): string {
  const also: Readonly<Record<string, number>> = elsewhere;
  return Object.entries(file)
    .map(([name, count]) => {
      const moved = database[name as keyof typeof database];
      const others = also[name] ? ` and ${also[name]} under another id` : '';
      return `${name}: ${count} in the file, ${moved} in the database${others}`;
    })
    .join('\n');
}
