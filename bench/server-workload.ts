/**
 * Agents that an exporter logs: sessions of 12 logs, 3.3 kB each, of which the model calls repeat the conversation so
 * far. The words are invented and as frequent as those of a language, so that an index of them is as large as a real one.
 */
import { createRandom } from './random.ts';

export const LOGS_PER_REQUEST = 100;
const LOGS_PER_SESSION = 12;
const SESSIONS_PER_GROUP = LOGS_PER_REQUEST;
/** One request of the agents, as a parent has to be logged before its children, and eleven of all that is below them. */
export const REQUESTS_PER_GROUP = LOGS_PER_SESSION;

const VOCABULARY = createVocabulary(20_000);
const SYSTEM_PROMPTS = Array.from({ length: 20 }, (_, index) => words(createRandom(900_000 + index), 120));

/** Returns the bodies of the requests of 100 sessions, the first of which must be answered before the others are sent. */
export function serverRequests(group: number): Buffer[] {
  const sessions = Array.from({ length: SESSIONS_PER_GROUP }, (_, index) =>
    sessionLogs(group * SESSIONS_PER_GROUP + index),
  );
  const agents = sessions.map((logs) => logs[0]);
  const others = sessions.flatMap((logs) => logs.slice(1));
  const requests = [agents];
  for (let at = 0; at < others.length; at += LOGS_PER_REQUEST) requests.push(others.slice(at, at + LOGS_PER_REQUEST));
  return requests.map((logs) => Buffer.from(JSON.stringify(logs)));
}

/** Returns the reference of the log of this number, from 0 on. */
export function referenceOf(log: number): string {
  const [session, step] = [Math.floor(log / LOGS_PER_SESSION), log % LOGS_PER_SESSION];
  return `${traceOf(session)}-${(step + 1).toString(16).padStart(16, '0')}`;
}

function traceOf(session: number): string {
  return session.toString(16).padStart(32, '0');
}

function sessionLogs(session: number): object[] {
  const random = createRandom(session);
  const trace = traceOf(session);
  const reference = (step: number) => referenceOf(session * LOGS_PER_SESSION + step);
  const question = words(random, 40);
  const messages: object[] = [
    { role: 'system', content: SYSTEM_PROMPTS[session % SYSTEM_PROMPTS.length] },
    { role: 'user', content: question },
  ];
  const start = Date.UTC(2026, 0, 1) + session * 1_000;
  const logOf = (step: number, fields: object) => ({
    project: `project-${session % 20}`,
    session_reference_id: trace,
    reference_id: reference(step),
    ...(step > 0 && { parent_reference_id: reference(0) }),
    source: 'opentelemetry',
    created_at: new Date(start + step * 300).toISOString(),
    duration: 0.25,
    metadata: {
      trace_id: trace,
      span_id: reference(step).slice(33),
      user_id: `user-${session % 5_000}`,
      release: '1.0',
    },
    ...fields,
  });
  const model = { provider: 'openai', model: 'gpt-4o-mini', temperature: (session % 60) / 60 };
  const logs: object[] = [
    logOf(0, {
      config: { type: 'agent', agent_class: 'researcher', model_config: model },
      inputs: { question },
      output: words(random, 100),
    }),
  ];
  for (let step = 1; step < LOGS_PER_SESSION; step += 1) {
    if (step % 2 === 1) {
      const output = words(random, 30);
      const call = { name: 'search', arguments: JSON.stringify({ query: words(random, 6) }) };
      const answer = {
        role: 'assistant',
        content: output,
        tool_calls: [{ id: `call_${step}`, type: 'function', function: call }],
      };
      logs.push(
        logOf(step, {
          config: { type: 'model', ...model, tools: [{ name: 'search', description: 'Searches the documents.' }] },
          messages: [...messages],
          output,
          output_message: answer,
          prompt_tokens: 200 * step,
          output_tokens: 60,
          prompt_cost: 0.0001 * step,
          output_cost: 0.0002,
        }),
      );
      messages.push(answer);
    } else {
      const output = words(random, 95);
      const query = words(random, 6);
      logs.push(logOf(step, { config: { type: 'tool', name: 'search' }, inputs: { query }, output }));
      messages.push({ role: 'tool', tool_call_id: `call_${step - 1}`, content: output });
    }
  }
  return logs;
}

function createVocabulary(size: number): string[] {
  const random = createRandom(7);
  const syllables = 'ka lo mi ren ta su vel dor an esh in qua bri mo tor ne'.split(' ');
  return Array.from({ length: size }, () => {
    const length = 1 + Math.floor(random() * 4);
    return Array.from({ length }, () => syllables[Math.floor(random() * syllables.length)]).join('');
  });
}

/** The rank of a word is its frequency, as in any language. */
function words(random: () => number, count: number): string {
  let text = '';
  for (let index = 0; index < count; index += 1) {
    const word = VOCABULARY[Math.floor(VOCABULARY.length ** random()) - 1];
    text += index === 0 ? word : ` ${word}`;
  }
  return text;
}
