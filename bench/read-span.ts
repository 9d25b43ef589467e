/**
 * What the reading of one span costs, per vocabulary: microseconds of CPU time over the recordings of the tests, the median of many
 * rounds. At the root of the repository, after `npm run build`: `npx tsx bench/read-span.ts`.
 *
 * All vocabularies run in one process, so that no code is tuned to one of them; each span is read many times in a row, since apps make
 * the same calls again and again. `parse` is what `JSON.parse` alone takes for the JSON in the attributes: a reader that opens
 * all of it cannot be faster.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { LogKind } from '../src/conventions/convention.ts';
import type { SpanSlice } from '../src/otel.ts';

const RECORDINGS = 'test/fixtures/spans/';
const ROUNDS = 40;
const WARM_UP_ROUNDS = 10;
const SPANS_A_ROUND = 2_000;

/** What was built, not what a loader makes of the sources. */
const built = (file: string) => import(new URL(`bench/dist/package/${file}`, pathToFileURL(`${process.cwd()}/`)).href);
const { classifySpan, readSpan }: typeof import('../src/conventions/index.ts') = await built('conventions/index.js');
const { toDatapoint }: typeof import('../src/datapoint/to-datapoint.ts') = await built('datapoint/to-datapoint.js');

const SETTINGS = { project: 'bench', source: 'opentelemetry', captureContent: true };
const IDENTITY = { referenceId: 'trace-span', sessionReferenceId: 'session' };

interface Subject {
  readonly span: SpanSlice;
  readonly kind: LogKind;
  readonly reading: ReturnType<typeof readSpan>;
  /** The attributes that are JSON. */
  readonly jsonTexts: readonly string[];
  readonly characters: number;
}

const STEPS: Record<string, (subject: Subject) => unknown> = {
  parse: ({ jsonTexts }) => jsonTexts.map((text) => JSON.parse(text)),
  classify: ({ span }) => classifySpan(span),
  read: ({ span }) => readSpan(span),
  map: ({ span, kind, reading }) => toDatapoint(span, kind, reading, IDENTITY, SETTINGS),
};

/** What nobody looks at, a compiler may leave out. */
let lastResult: unknown;

const groups = new Map<string, Subject[]>();
for (const span of recordedSpans()) {
  const classified = classifySpan(span);
  const name = classified ? `${classified.convention}${classified.kind === 'model' ? '' : ' (no call)'}` : '(no log)';
  const group = groups.get(name) ?? [];
  groups.set(name, group);
  group.push(subjectOf(span, classified?.kind ?? 'generic'));
}
for (const subjects of groups.values()) {
  for (const step of Object.values(STEPS)) medianMicros(subjects, step, WARM_UP_ROUNDS);
}

const table: Record<string, Record<string, number>> = {};
for (const [name, subjects] of [...groups].sort(([a], [b]) => a.localeCompare(b))) {
  const characters = Math.round(subjects.reduce((sum, subject) => sum + subject.characters, 0) / subjects.length);
  table[name] = { spans: subjects.length, characters };
  for (const [step, run] of Object.entries(STEPS)) table[name][`${step} µs`] = medianMicros(subjects, run, ROUNDS);
}
console.table(table);
if (lastResult === undefined) throw new Error('There was nothing to measure');

/** CPU time of one call: other processes of the machine do not count, garbage collection does. */
function medianMicros(subjects: readonly Subject[], run: (subject: Subject) => unknown, rounds: number): number {
  const passes = Math.max(100, Math.ceil(SPANS_A_ROUND / subjects.length));
  const micros: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage();
    for (const subject of subjects) for (let pass = 0; pass < passes; pass++) lastResult = run(subject);
    const { user, system } = process.cpuUsage(before);
    micros.push((user + system) / (passes * subjects.length));
  }
  const median = micros.sort((a, b) => a - b)[rounds >> 1] as number;
  return Math.round(median * 100) / 100;
}

function subjectOf(span: SpanSlice, kind: LogKind): Subject {
  const texts = Object.values(span.attributes).filter((value) => typeof value === 'string');
  return {
    span,
    kind,
    reading: readSpan(span),
    jsonTexts: texts.filter(isJson),
    characters: texts.reduce((sum, text) => sum + text.length, 0),
  };
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

function recordedSpans(): SpanSlice[] {
  const files = readdirSync(RECORDINGS, { recursive: true, encoding: 'utf8' });
  return files
    .filter((file) => file.endsWith('.json') && !file.endsWith('.expected.json'))
    .flatMap((file) => JSON.parse(readFileSync(RECORDINGS + file, 'utf8')).spans.map(toSpan));
}

/** SDKs set attributes one by one, which gives objects of another layout than `JSON.parse` does. */
function toSpan({ traceId, spanId, attributes, ...span }: Record<string, unknown>): SpanSlice {
  const set: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(attributes as object)) set[key] = value;
  const spanContext = () => ({ traceId, spanId, traceFlags: 1 });
  return { ...span, attributes: set, ended: true, spanContext } as unknown as SpanSlice;
}
