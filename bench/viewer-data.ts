/** Invented sessions of 12 logs, like those of an agent. The same number always gives the same log. */
import type { LogRequest } from '../src/wire/v4.ts';
import { createRandom } from './random.ts';

export const LOGS_PER_SESSION = 12;

const WORDS =
  'train fjord weather ticket harbour mountain route platform winter ferry museum bakery hotel bridge tunnel valley station morning evening island library garden market theatre'.split(
    ' ',
  );

/** Log `number` of all: 0 is the agent of session 0, 1 to 11 its model and tool calls. */
export function syntheticLog(number: number): LogRequest {
  const session = Math.floor(number / LOGS_PER_SESSION);
  const step = number % LOGS_PER_SESSION;
  const trace = session.toString(16).padStart(32, '0');
  const reference = (index: number) => `${trace}-${index.toString(16).padStart(16, '0')}`;
  const start = Date.UTC(2026, 0, 1) + session * 60_000;
  const log: LogRequest = {
    project: `project-${session % 20}`,
    session_reference_id: `conversation-${session}`,
    reference_id: reference(step),
    source: 'opentelemetry',
    created_at: new Date(start + step * 200).toISOString(),
    duration: step === 0 ? 2.6 : 0.18,
    inputs: step === 0 ? { prompt: sentence(number, 30) } : {},
    output: sentence(number + 7, 20),
    metadata: { span_name: step === 0 ? 'agent' : 'chat', trace_id: trace, user: `user-${session % 1000}` },
    ...(step > 0 && { parent_reference_id: reference(0) }),
    ...(session % 50 === 0 && step === 11 && { error: 'RateLimitError: try again in 20 s' }),
  };
  if (step === 0)
    return { ...log, config: { type: 'agent', agent_class: 'planner', model_config: { model: model(session) } } };
  if (step % 3 === 0)
    return { ...log, inputs: { query: sentence(number, 6) }, config: { type: 'tool', name: 'search' } };
  return {
    ...log,
    config: { type: 'model', model: model(session), temperature: 0.2 },
    messages: [
      { role: 'system', content: sentence(session % 20, 40) },
      { role: 'user', content: `${sentence(number, 30)} session${session}` },
      { role: 'assistant', content: sentence(number + 3, 60) },
      { role: 'user', content: sentence(number + 5, 30) },
    ],
    output_message: { role: 'assistant', content: log.output ?? '' },
    prompt_tokens: 400 + (number % 300),
    output_tokens: 20 + (number % 50),
  };
}

/** One request's worth: the logs of one step of 100 sessions, as a parent must be logged before its children. */
export function syntheticRequest(index: number): LogRequest[] {
  const firstSession = Math.floor(index / LOGS_PER_SESSION) * 100;
  const step = index % LOGS_PER_SESSION;
  return Array.from({ length: 100 }, (_, offset) => syntheticLog((firstSession + offset) * LOGS_PER_SESSION + step));
}

/** Writes the logs of `syntheticRequest(index)` through the API of the server at `url`. */
export async function writeRequest(url: string, index: number): Promise<void> {
  const body = JSON.stringify(syntheticRequest(index));
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${url}/v4/logs`, { method: 'POST', body, headers });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`POST ${url}/v4/logs: ${answer.status} ${text.slice(0, 500)}`);
}

function model(session: number): string {
  return session % 3 === 0 ? 'gpt-4o' : 'gpt-4o-mini';
}

function sentence(seed: number, words: number): string {
  const random = createRandom(seed);
  let text = '';
  for (let index = 0; index < words; index += 1) {
    text += `${index === 0 ? '' : ' '}${WORDS[Math.floor(random() * WORDS.length)]}`;
  }
  return text;
}
