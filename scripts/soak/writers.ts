/** Ordinary clients that write: arrays and single logs of the v4 API, updates by reference, and OTLP in both encodings. */
import { randomBytes } from 'node:crypto';
import { encode } from '../../test/server/otlp/otlp-messages.ts';
import { Random } from '../../test/support/random.ts';
import { type Call, post } from './call.ts';
import { ask, expectStatus, keepDoing, type Soak } from './client.ts';
import { CONFIG, words } from './large-data.ts';
import type { Ledger, LedgerLog, LedgerSession } from './ledger.ts';

export const PROJECTS = ['assistant', 'search', 'support'] as const;
const LOGS_OF_SESSION = 20;

export function startWriters(soak: Soak, ledger: Ledger): Promise<void>[] {
  const random = new Random(Date.now());
  const project = () => random.pick(PROJECTS);
  const text = () => words(random.chance(0.02) ? 30_000 : random.between(100, 3_000));

  const toBody = (log: LedgerLog) => ({
    project: log.session.project,
    session_reference_id: log.session.reference,
    ...(log.reference !== undefined && { reference_id: log.reference }),
    config: { ...CONFIG, model: random.pick(['gpt-4o', 'claude', 'mistral']) },
    messages: [{ role: 'user', content: `${text()} ${log.marker}` }],
    inputs: { marker: log.marker },
    ...(log.output !== undefined && { output: log.output, duration: 1.5 }),
    prompt_tokens: 100,
    output_tokens: 10,
    metadata: { tenant: `tenant ${random.between(1, 50)}` },
  });

  const store = async (kind: string, logs: readonly LedgerLog[], request: Call): Promise<void> => {
    const reply = await ledger.changing(
      logs.map(({ session }) => session),
      () => ask(soak, kind, request),
    );
    if (!expectStatus(soak, kind, reply, 200)) return;
    const created = kind.startsWith('OTLP') ? [] : [JSON.parse(reply.text)].flat();
    for (const [index, log] of logs.entries()) {
      log.fate = 'stored';
      log.id = created[index]?.id;
      log.session.id ??= created[index]?.session_id;
      // Without a reference, each request whose answer was lost may have stored it.
      if (log.reference === undefined) log.most += reply.lost;
    }
  };

  const newLogs = (session: LedgerSession, count: number, hasReference: boolean, isOpen = false): LedgerLog[] =>
    Array.from({ length: count }, () => ledger.newLog(session, isOpen ? undefined : 'answer', hasReference));

  const writeArrays = () =>
    keepDoing(soak, 250, async () => {
      const logs = newLogs(ledger.newSession(project()), LOGS_OF_SESSION, true);
      await store('POST of an array', logs, post('/v4/logs', logs.map(toBody)));
    });

  const writeSingles = () => {
    let session = ledger.newSession(project());
    return keepDoing(soak, 50, async () => {
      if (session.logs.length >= LOGS_OF_SESSION) session = ledger.newSession(project());
      const logs = newLogs(session, 1, random.chance(0.5));
      await store('POST of one log', logs, post('/v4/logs', toBody(logs[0]!)));
    });
  };

  /** An agent that is written while it runs: first without an output, then completed twice. */
  const writeAgents = () =>
    keepDoing(soak, 200, async () => {
      const [log] = newLogs(ledger.newSession(project()), 1, true, true);
      await store('POST of one log', [log!], post('/v4/logs', toBody(log!)));
      if (log!.fate !== 'stored') return;
      for (const part of ['half of the answer', 'the whole answer']) await update(log!, `${part} ${log!.marker}`);
    });

  const update = async (log: LedgerLog, output: string): Promise<void> => {
    const path = `/v4/logs?reference_id=${encodeURIComponent(log.reference!)}`;
    const request = { ...post(path, { output, duration: 2 }), method: 'PATCH' };
    log.isBusy = true;
    const reply = await ledger.changing([log.session], () => ask(soak, 'PATCH', request));
    log.isBusy = false;
    if (expectStatus(soak, 'PATCH', reply, 200)) log.output = output;
  };

  const writeTraces = (encoding: 'protobuf' | 'JSON') =>
    keepDoing(soak, 300, async () => {
      const traceId = randomBytes(16).toString('hex');
      const session = ledger.newSession(project());
      const spanIds = Array.from({ length: 10 }, () => randomBytes(8).toString('hex'));
      const logs = spanIds.map((spanId) => ledger.newLog(session, 'answer', true, `${traceId}-${spanId}`));
      const body = toTraces(traceId, spanIds, logs);
      const request =
        encoding === 'JSON'
          ? post('/v1/traces', body)
          : {
              ...{ method: 'POST', path: '/v1/traces', body: encode('TracesData', body) },
              headers: { 'content-type': 'application/x-protobuf' },
            };
      await store(`OTLP in ${encoding}`, logs, request);
    });

  return [
    ...[writeArrays(), writeArrays(), writeSingles(), writeSingles(), writeSingles(), writeAgents(), writeAgents()],
    ...[writeTraces('protobuf'), writeTraces('JSON')],
  ];
}

function toTraces(traceId: string, spanIds: readonly string[], logs: readonly LedgerLog[]): Record<string, unknown> {
  const { project, reference } = logs[0]!.session;
  const attribute = (key: string, stringValue: string) => ({ key, value: { stringValue } });
  const message = (role: string, content: string) => JSON.stringify([{ role, parts: [{ type: 'text', content }] }]);
  const now = `${Date.now()}000000`;
  const spans = spanIds.map((spanId, index) => ({
    ...{ traceId, spanId, name: 'chat gpt-4o', startTimeUnixNano: now, endTimeUnixNano: now },
    ...(index > 0 && { parentSpanId: spanIds[0]! }),
    attributes: [
      attribute('gen_ai.operation.name', 'chat'),
      attribute('gen_ai.request.model', 'gpt-4o'),
      attribute('gen_ai.conversation.id', reference),
      attribute('gen_ai.input.messages', message('user', `${words(1_000)} ${logs[index]!.marker}`)),
      attribute('gen_ai.output.messages', message('assistant', logs[index]!.output!)),
    ],
  }));
  const resource = { attributes: [attribute('service.name', project)] };
  return { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'app' }, spans }] }] };
}
