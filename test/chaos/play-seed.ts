/**
 * Plays one seed. Processes that share a spool directory trace, and are killed at random moments, also while they send
 * or recover what others have left. The last one sends the rest. The server fails all the time. Then every span is
 * checked.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LogRequest } from '../../src/wire/v4.ts';
import { spoolFiles } from '../behaviour/spool/spooled-app.ts';
import { Diary, type SpanRecord } from '../support/producer/diary.ts';
import type { Plan } from '../support/producer/producer.ts';
import { startProducer } from '../support/producer/start-producer.ts';
import { Random } from '../support/random.ts';
import { ChaoticV4 } from './chaotic-v4.ts';

const PROCESS_EXITED = 'process exited before the span ended';
const LAST_WAITS_MILLIS = 60_000;

export interface Story {
  /** The guarantees that were broken. */
  readonly problems: string[];
  readonly ended: number;
  readonly delivered: number;
  readonly rejected: number;
  readonly kills: number;
  readonly closed: number;
  readonly requests: number;
  readonly faults: Readonly<Record<string, number>>;
}

/** What the producers send to, which fails as a seed decides. */
export interface Stage {
  readonly baseUrl: string;
  /** For one request. */
  readonly timeoutMillis: number;
  readonly poisonShare: number;
  /** An app is killed after this time at the latest. */
  readonly lifeMillis: number;
  /** Resolves to what is stored in the end, by reference. */
  finish(): Promise<Stored>;
  close(): Promise<void>;
}

export interface Stored {
  readonly logs: ReadonlyMap<string, StoredLog>;
  /** Rules that were broken on the way to the store, or in it. */
  readonly breaches: readonly string[];
  readonly requests: number;
  readonly faults: Readonly<Record<string, number>>;
}

export type StoredLog = Pick<LogRequest, 'output' | 'error' | 'duration' | 'parent_reference_id'>;

export async function playSeed(
  seed: number,
  open: (seed: number, random: Random) => Promise<Stage> = openChaoticV4,
): Promise<Story> {
  const random = new Random(seed);
  const directory = mkdtempSync(join(tmpdir(), 'humanloop-otel-chaos-'));
  const stage = await open(seed, random);
  try {
    return await play(seed, random, directory, stage);
  } finally {
    await stage.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function openChaoticV4(seed: number, random: Random): Promise<Stage> {
  const server = new ChaoticV4({
    seed,
    faultShare: random.pick([0.05, 0.2, 0.4]),
    namesRefused: random.chance(0.5),
    ...(random.chance(0.5) && { maxBytes: 6_000 }),
  });
  await server.listen();
  return {
    ...{ baseUrl: server.baseUrl, timeoutMillis: 250, poisonShare: 0.01, lifeMillis: 500 },
    finish: async () => {
      const { logs, breaches, requests, faults } = server;
      return { logs, breaches, requests: requests.length, faults };
    },
    close: async () => server.close(),
  };
}

async function play(seed: number, random: Random, directory: string, stage: Stage): Promise<Story> {
  const spool = join(directory, 'spool');
  const problems: string[] = [];
  const diaries: string[] = [];
  const outputs: string[] = [];
  let kills = 0;
  const plan = (ending: Plan['ending'], traces: number): Plan => {
    const diary = join(directory, `diary-${diaries.length}`);
    diaries.push(diary);
    return {
      seed: seed * 1_000 + diaries.length,
      diary,
      traces,
      maxPauseMillis: random.pick([5, 30, 60]),
      poisonShare: stage.poisonShare,
      openShare: 0.2,
      ending,
      options: {
        baseUrl: stage.baseUrl,
        spool: { directory: spool, fsyncMillis: random.pick([10, 40]) },
        holdMillis: random.pick([0, 50, 5_000]),
        batch: { maxItems: random.pick([3, 20, 100]) },
        timeoutMillis: stage.timeoutMillis,
        retry: { minDelayMillis: 5, maxDelayMillis: 60 },
        flushTimeoutMillis: LAST_WAITS_MILLIS,
      },
    };
  };
  for (let round = random.between(1, 3); round > 0; round--) {
    const doomed = Array.from({ length: random.pick([1, 1, 2]) }, () => random.between(0, stage.lifeMillis));
    kills += doomed.length;
    const killed = doomed.map(async (afterMillis) => {
      const producer = await startProducer(plan('wait', random.between(3, stage.lifeMillis / 25)));
      await producer.says('ready');
      await new Promise((resolve) => setTimeout(resolve, afterMillis));
      producer.child.kill('SIGKILL');
      const end = await producer.ended;
      outputs.push(producer.output);
      if (end !== 'SIGKILL') problems.push(`a process ended by itself with ${end}: ${producer.output}`);
    });
    await Promise.all(killed);
  }
  const last = await startProducer(plan('drain', random.between(0, 3)));
  const timer = setTimeout(() => last.child.kill('SIGKILL'), LAST_WAITS_MILLIS);
  const code = await last.ended;
  clearTimeout(timer);
  if (code !== 0) problems.push(`the last process ended with ${code}: ${last.output}`);
  outputs.push(last.output);
  const books = diaries.map((file) => new Diary(file));
  const dropped = new Map(books.flatMap((diary) => diary.dropped).map(({ reference, reason }) => [reference, reason]));
  const stored = await stage.finish();
  problems.push(...stored.breaches);
  for (const diary of books) problems.push(...audit(diary, diary === books.at(-1), stored, dropped));
  const left = spoolFiles(spool).filter((name) => statSync(join(spool, name)).size > 0);
  if (left.length > 0) problems.push(`left in the spool directory: ${left.join(', ')}`);
  if (problems.length > 0) problems.push(...outputs.map((output) => `printed: ${output}`));
  const spans = books.flatMap((diary) => [...diary.spans.values()]);
  return {
    problems,
    kills,
    ended: spans.filter(({ isEnded }) => isEnded).length,
    delivered: spans.filter(({ reference }) => stored.logs.has(reference)).length,
    rejected: [...dropped.values()].filter((reason) => reason === 'rejected').length,
    closed: [...stored.logs.values()].filter(({ error }) => error === PROCESS_EXITED).length,
    requests: stored.requests,
    faults: stored.faults,
  };
}

function audit(
  { spans, stats }: Diary,
  isLast: boolean,
  { logs }: Stored,
  dropped: ReadonlyMap<string, string>,
): string[] {
  const problems: string[] = [];
  const isStored = (reference: string) => logs.has(reference);
  for (const span of spans.values()) {
    const log = logs.get(span.reference);
    const reason = dropped.get(span.reference);
    const isPromised = isLast ? span.isEnded : span.isSafe;
    const say = (what: string) => problems.push(`${span.reference} ${what} (${describe(span)})`);
    if (log && reason) say(`is stored and was dropped: ${reason}`);
    if (reason && !isFair(reason, span)) say(`was dropped: ${reason}`);
    if (!log) {
      if (isPromised && !span.isPoison) say('is lost');
      continue;
    }
    if (isPromised && !log.output?.startsWith(`output of ${span.reference}`)) say(`has the output ${log.output}`);
    if (isPromised && log.error) say(`has the error ${log.error}`);
    if (!isLast && !span.isEnding && log.error !== PROCESS_EXITED) say(`is not closed: ${log.error}`);
    if (typeof log.duration !== 'number' || log.duration < 0 || log.duration > 120) say(`took ${log.duration} s`);
    const parent = span.ancestors.find((reference) => isStored(reference));
    const isUnder = log.parent_reference_id ?? undefined;
    // It is not known here which logs above it were rejected before it was sent, or were on disk at the kill.
    if (isUnder && !span.ancestors.includes(isUnder)) say(`is under ${isUnder}`);
    if (!isUnder && parent && spans.get(parent)?.isSafe) say(`is not under ${parent}`);
  }
  if (isLast && stats && stats.queued > 0) problems.push(`${stats.queued} are left`);
  return problems;
}

/** A drop is expected if the server refuses the log, or if a parent had ended too late to be on disk. */
function isFair(reason: string, { isPoison, isSafe }: SpanRecord): boolean {
  return reason === 'rejected' ? isPoison : reason === 'spool_lost' && !isSafe;
}

function describe({ isEnding, isEnded, isSafe, isPoison }: SpanRecord): string {
  return Object.entries({ isEnding, isEnded, isSafe, isPoison })
    .filter(([, is]) => is)
    .map(([name]) => name)
    .join(', ');
}
