/** An app in its own process: it traces what its plan says with the real SDK, and writes a diary. */
import { DiagConsoleLogger, DiagLogLevel, diag, ROOT_CONTEXT, type Span, trace } from '@opentelemetry/api';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { type HumanloopOptions, HumanloopSpanProcessor } from '../../../src/index.ts';
import { Random } from '../random.ts';
import { writeDiary } from './diary.ts';

export interface Plan {
  readonly seed: number;
  readonly diary: string;
  readonly traces: number;
  /** Longest pause between two traces, in milliseconds. */
  readonly maxPauseMillis: number;
  readonly poisonShare: number;
  /** Share of traces whose root is still open when the process ends. */
  readonly openShare: number;
  /** If there are fewer logs on disk after the last trace, more are played. */
  readonly minSafe?: number;
  /** What happens after the last trace: send everything and end, wait to be killed, shut down, or exit at once. */
  readonly ending: 'drain' | 'wait' | 'shutdown' | 'exit';
  readonly options: HumanloopOptions;
}

/** Number of turns of the event loop in which ended spans are mapped, for a few milliseconds in each. */
const TURNS = 40;

/** Kinds of spans: three are logs, one is not. */
const KINDS = ['chat', 'execute_tool', 'invoke_agent', undefined];

const plan = JSON.parse(process.env['PLAN'] as string) as Plan;
diag.setLogger(new DiagConsoleLogger(), DiagLogLevel.ALL);
const random = new Random(plan.seed);
const processor = new HumanloopSpanProcessor({
  ...plan.options,
  onDrop: ({ reason, referenceIds }) => writeDiary(plan.diary, { what: 'dropped', reason, references: referenceIds }),
});
const tracer = new BasicTracerProvider({ spanProcessors: [processor] }).getTracer('chaos');
/** Logs that are on disk. */
let safeCount = 0;
const fsyncMillis = plan.options.spool?.fsyncMillis ?? 200;

interface Traced {
  readonly span: Span;
  readonly reference: string;
  /** Reference ids of the span itself, if it is a log, and of the logs above it. */
  readonly lineage: readonly string[];
}

function start(kind: string | undefined, parent: Traced | undefined): Traced {
  const isPoison = kind !== undefined && random.chance(plan.poisonShare);
  const attributes = kind ? { 'gen_ai.operation.name': kind } : { 'http.request.method': 'GET' };
  const context = parent ? trace.setSpan(ROOT_CONTEXT, parent.span) : ROOT_CONTEXT;
  const span = tracer.startSpan(isPoison ? 'poison' : 'span', { attributes }, context);
  const { traceId, spanId } = span.spanContext();
  const reference = `${traceId}-${spanId}`;
  const ancestors = parent?.lineage ?? [];
  if (kind) writeDiary(plan.diary, { what: 'started', reference, ancestors, isPoison });
  return { span, reference, lineage: kind ? [reference, ...ancestors] : ancestors };
}

function end({ span, reference, lineage }: Traced): void {
  const isLog = lineage[0] === reference;
  if (isLog) {
    const text = `output of ${reference}${'x'.repeat(random.between(0, 300))}`;
    span.setAttribute('gen_ai.tool.call.result', text);
    span.setAttribute(
      'gen_ai.output.messages',
      JSON.stringify([{ role: 'assistant', parts: [{ type: 'text', content: text }] }]),
    );
    writeDiary(plan.diary, { what: 'ending', reference });
  }
  span.end();
  if (!isLog) return;
  writeDiary(plan.diary, { what: 'ended', reference });
  void writtenToDisk().then(() => {
    writeDiary(plan.diary, { what: 'safe', reference });
    safeCount++;
  });
}

/**
 * Resolves when the spans that ended before are on disk. The app's own turns are counted, not the wall clock: on a machine
 * so busy that the app gets no turn, it does not end spans either.
 */
async function writtenToDisk(): Promise<void> {
  for (let left = TURNS; left > 0; left--) await new Promise((resolve) => setImmediate(resolve));
  await pause(fsyncMillis + 10);
  await pause(10);
}

async function playTrace(): Promise<void> {
  const root = start(random.chance(0.8) ? 'invoke_agent' : undefined, undefined);
  const open = [root];
  for (let left = random.between(0, 10); left > 0; left--) {
    if (open.length > 1 && random.chance(0.5)) end(open.splice(random.between(1, open.length - 1), 1)[0] as Traced);
    open.push(start(random.pick(KINDS), random.pick(open)));
    if (random.chance(0.3)) await pause(random.between(0, 8));
  }
  for (const traced of open.slice(1).reverse()) if (!random.chance(plan.openShare / 3)) end(traced);
  if (!random.chance(plan.openShare)) end(root);
}

function pause(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}

async function drain(): Promise<void> {
  // This helps to examine a seed that does not end.
  setInterval(() => console.error(JSON.stringify(processor.stats())), 20_000).unref();
  do await processor.forceFlush();
  while (processor.stats().queued + processor.stats().held > 0);
}

process.stdout.write('ready\n');
const playing: Promise<void>[] = [];
for (let left = plan.traces; left > 0 || safeCount < (plan.minSafe ?? 0); left--) {
  playing.push(playTrace());
  await pause(random.between(0, plan.maxPauseMillis));
}
await Promise.all(playing);
process.stdout.write('traced\n');
if (plan.ending === 'exit') process.exit(0);
if (plan.ending === 'wait') setInterval(() => undefined, 60_000);
if (plan.ending === 'drain') await drain();
if (plan.ending === 'drain' || plan.ending === 'shutdown') {
  await processor.shutdown();
  writeDiary(plan.diary, { what: 'done', stats: processor.stats() });
  process.stdout.write('done\n');
}
