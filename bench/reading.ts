/** What reading one LLM span costs in each vocabulary: real recordings, the built package, one process, all in turn. */
import { readdirSync, readFileSync } from 'node:fs';
import type { Arena } from './rounds.ts';
import { median } from './rounds.ts';
import type { Effort } from './scenarios.ts';
import { number, type Table } from './tables.ts';

const RECORDINGS = new URL('../../test/fixtures/spans/', import.meta.url);
/** Compiled file by file: the package itself does not give its readers out. */
const CONVENTIONS = './package/conventions/index.js';
const TURNS = 60;
const READS_A_TURN = 200;

type Span = { name: string; attributes: Record<string, unknown>; traceId: string; spanId: string };
type Read = (span: unknown) => { metadata?: Record<string, unknown> };
type Classify = (span: unknown) => { kind: string; convention: string } | undefined;

export async function reading(_arena: Arena, { rounds }: Effort): Promise<Table> {
  const { readSpan, classifySpan } = (await import(CONVENTIONS)) as { readSpan: Read; classifySpan: Classify };
  const largest = [...largestCalls(classifySpan)];
  const micros = new Map<string, number[]>(largest.map(([convention]) => [convention, []]));
  for (let turn = 0; turn < TURNS * Math.min(rounds, 3); turn++) {
    for (const [convention, { span }] of largest) {
      const before = process.cpuUsage();
      for (let i = 0; i < READS_A_TURN; i++) readSpan(span);
      const { user, system } = process.cpuUsage(before);
      micros.get(convention)?.push((user + system) / READS_A_TURN);
    }
  }
  return {
    title: 'Reading one LLM span',
    head: ['', 'recording', 'content, kB', 'µs'],
    rows: largest.map(([convention, { recording, bytes }]) => [
      convention,
      recording,
      number(bytes / 1000, 1),
      number(median(micros.get(convention)?.slice(TURNS / 4) ?? []), 1),
    ]),
    note: 'Of each vocabulary the recorded model call with the most content.',
  };
}

interface Recorded {
  readonly recording: string;
  readonly span: unknown;
  readonly bytes: number;
}

function largestCalls(classify: Classify): Map<string, Recorded> {
  const largest = new Map<string, Recorded>();
  const files = readdirSync(RECORDINGS, { recursive: true, encoding: 'utf8' });
  for (const file of files.filter((name) => name.endsWith('.json') && !name.endsWith('.expected.json')).sort()) {
    const { spans } = JSON.parse(readFileSync(new URL(file, RECORDINGS), 'utf8')) as { spans: Span[] };
    for (const recorded of spans) {
      const span = { ...recorded, ended: true, spanContext: () => recorded };
      const classified = classify(span);
      if (classified?.kind !== 'model') continue;
      const bytes = JSON.stringify(recorded.attributes).length;
      const known = largest.get(classified.convention);
      if (known && known.bytes >= bytes) continue;
      largest.set(classified.convention, { recording: file.replace(/\.json$/, ''), span, bytes });
    }
  }
  return new Map([...largest].sort(([a], [b]) => a.localeCompare(b)));
}
