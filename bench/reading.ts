/**
 * The cost of looking through and of reading one LLM span in each vocabulary: real recordings, the built package, one
 * process, taking turns.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { median } from './median.ts';
import type { Arena } from './rounds.ts';
import type { Effort } from './scenarios.ts';
import { number, type Table } from './tables.ts';

const RECORDINGS = new URL('../../test/fixtures/spans/', import.meta.url);
/** A file of a second build, since the package does not export its readers. */
const CONVENTIONS = './package/conventions/index.js';
const TURNS = 60;
/** Each call is read this many times in a row, since apps repeat the same calls. */
const REPETITIONS = 20;

type Step = 'parse' | 'classify' | 'read';
type Micros = Record<Step, number[]>;
type Recorded = { attributes: Record<string, unknown>; traceId: string; spanId: string };
type Classified = { kind: string; convention: string; recognitions: readonly unknown[] };

interface Conventions {
  readonly CONVENTIONS: readonly unknown[];
  readonly censusOf: (span: unknown) => { signs: number };
  readonly classifySpan: (span: unknown, conventions?: readonly unknown[], signs?: number) => Classified | undefined;
  readonly readSpan: (span: unknown, conventions: readonly unknown[], recognitions: readonly unknown[]) => unknown;
}

interface Call {
  readonly span: unknown;
  readonly recognitions: readonly unknown[];
  readonly jsonTexts: readonly string[];
  readonly characters: number;
}

export async function reading(_arena: Arena, { rounds }: Effort): Promise<Table> {
  const { CONVENTIONS: table, censusOf, classifySpan, readSpan } = (await import(CONVENTIONS)) as Conventions;
  const conventions = [...recordedCalls(classifySpan)].sort(([a], [b]) => a.localeCompare(b));
  const steps: Record<Step, (call: Call) => unknown> = {
    parse: ({ jsonTexts }) => jsonTexts.map((text) => JSON.parse(text)),
    classify: ({ span }) => classifySpan(span, table, censusOf(span).signs),
    read: ({ span, recognitions }) => readSpan(span, table, recognitions),
  };
  const micros = new Map(conventions.map(([name]) => [name, { parse: [], classify: [], read: [] } as Micros]));
  for (let turn = 0; turn < TURNS * Math.min(rounds, 3); turn++) {
    for (const [name, calls] of conventions) {
      for (const step of ['parse', 'classify', 'read'] as const)
        micros.get(name)?.[step].push(microsOf(calls, steps[step]));
    }
  }
  const typical = (values: readonly number[] = []) => number(median(values.slice(TURNS / 4)), 1);
  return {
    title: 'Reading one LLM span',
    head: ['', 'recorded calls', 'characters', 'JSON.parse alone, µs', 'census and kind, µs', 'reading, µs'],
    rows: conventions.map(([name, calls]) => [
      name,
      number(calls.length),
      number(calls.reduce((sum, { characters }) => sum + characters, 0) / calls.length),
      typical(micros.get(name)?.parse),
      typical(micros.get(name)?.classify),
      typical(micros.get(name)?.read),
    ]),
    note: 'The mean over all recorded model calls of each vocabulary. A reader that parses all JSON of a span cannot be faster than `JSON.parse`.',
  };
}

/** Returns the CPU time of one call in microseconds. It includes garbage collection but not other processes. */
function microsOf(calls: readonly Call[], step: (call: Call) => unknown): number {
  const before = process.cpuUsage();
  for (const call of calls) for (let i = 0; i < REPETITIONS; i++) step(call);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / (calls.length * REPETITIONS);
}

function recordedCalls(classify: Conventions['classifySpan']): Map<string, Call[]> {
  const calls = new Map<string, Call[]>();
  const files = readdirSync(RECORDINGS, { recursive: true, encoding: 'utf8' });
  for (const file of files.filter((name) => name.endsWith('.json') && !name.endsWith('.expected.json'))) {
    const { spans } = JSON.parse(readFileSync(new URL(file, RECORDINGS), 'utf8')) as { spans: Recorded[] };
    for (const recorded of spans) {
      const span = {
        ...recorded,
        attributes: setOneByOne(recorded.attributes),
        ended: true,
        spanContext: () => recorded,
      };
      const classified = classify(span);
      if (classified?.kind !== 'model') continue;
      const texts = Object.values(recorded.attributes).filter((value) => typeof value === 'string');
      const characters = texts.reduce((sum, { length }) => sum + length, 0);
      const known = calls.get(classified.convention) ?? [];
      calls.set(classified.convention, [
        ...known,
        { span, recognitions: classified.recognitions, jsonTexts: texts.filter(isJson), characters },
      ]);
    }
  }
  return calls;
}

/** Sets attributes one by one, as SDKs do: V8 gives such objects another layout than `JSON.parse`. */
function setOneByOne(attributes: Record<string, unknown>): Record<string, unknown> {
  const set: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(attributes)) set[key] = value;
  return set;
}

function isJson(text: string): boolean {
  if (!text.startsWith('{') && !text.startsWith('[')) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
