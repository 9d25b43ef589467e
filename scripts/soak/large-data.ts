/** Logs that make the answers to ordinary questions as large as they can be. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Call, call, post } from './call.ts';

export interface LargeData {
  /** A project of 60 logs with an image of 1 MB each. */
  readonly imagesId: string;
  /** A project of 10,000 logs of some 1 kB, in two sessions. */
  readonly manyId: string;
  readonly longSessionId: string;
  /** A log with an output of 10 MB without a space. */
  readonly wordId: string;
  readonly wordProjectId: string;
  /** A log with 10 MB of values in its inputs. */
  readonly valuesId: string;
  /** A log with 15 MB of messages. */
  readonly messagesId: string;
  readonly messagesSessionId: string;
}

const MEBIBYTE = 1024 * 1024;
const PATIENCE_MILLIS = 60_000;
export const CONFIG = { model: 'gpt-4o', provider: 'openai' };

export function words(characters: number): string {
  const text = 'the quick brown fox jumps over the lazy dog and "returns" again; ';
  return text.repeat(Math.ceil(characters / text.length)).slice(0, characters);
}

/** Half a million values less what the rest of a log has. */
export function manyValues(count: number): unknown {
  return Array.from({ length: count }, (_, index) => index / 7);
}

/** Waits for a server that is busy, or starts again, maybe at another address. */
export async function fillWithLargeData(addressNow: () => string): Promise<LargeData> {
  const create = async (body: unknown) => {
    const end = Date.now() + PATIENCE_MILLIS;
    let reply = await call(addressNow(), post('/v4/logs', body) as Call);
    while ([0, 503].includes(reply.status) && Date.now() < end) {
      await delay(1_000);
      reply = await call(addressNow(), post('/v4/logs', body) as Call);
    }
    if (reply.status !== 200) throw new Error(`${reply.status} ${reply.text.slice(0, 500)}`);
    return JSON.parse(reply.text) as { id: string; project_id: string; session_id: string }[];
  };
  const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${'iVBORw0K'.repeat(MEBIBYTE / 8)}` } };
  let imagesId = '';
  for (let round = 0; round < 6; round += 1) {
    const log = { project: 'images', config: CONFIG, messages: [{ role: 'user', content: [image] }], output: 'a cat' };
    imagesId = (await create(Array(10).fill(log)))[0]!.project_id;
  }
  const ids: string[] = [];
  let manyId = '';
  for (let round = 0; round < 10; round += 1) {
    const logs = Array.from({ length: 1_000 }, (_, index) => ({
      project: 'many',
      config: { ...CONFIG, model: `model ${index % 30}` },
      session_reference_id: round < 5 ? 'long session' : 'other session',
      source: `source ${index % 20}`,
      messages: [{ role: 'user', content: `${words(700)} ${round} ${index}` }],
      output: words(200),
      metadata: { tenant: `tenant ${index % 100}`, release: '1.2.3' },
      feedback: [{ type: 'rating', value: index % 3 ? 'good' : 'bad' }],
      prompt_tokens: index,
    }));
    const [first] = await create(logs);
    ids.push(first!.session_id);
    manyId = first!.project_id;
  }
  const [word] = await create([{ project: 'word', config: CONFIG, output: 'a'.repeat(10 * MEBIBYTE) }]);
  const [values] = await create([{ project: 'values', config: CONFIG, inputs: { v: manyValues(499_000) } }]);
  const message = { role: 'user', content: words(100_000) };
  const long = { session_reference_id: 'long messages', messages: Array(150).fill(message) };
  const [messages] = await create([{ project: 'messages', config: CONFIG, ...long }]);
  return {
    imagesId,
    manyId,
    longSessionId: ids[0]!,
    wordId: word!.id,
    wordProjectId: word!.project_id,
    valuesId: values!.id,
    messagesId: messages!.id,
    messagesSessionId: messages!.session_id,
  };
}
