/** Answers of the APIs that make pictures, `{ created, data: [{ url, b64_json, revised_prompt }] }`, as messages. */
import { isObject } from '../../wire/json.ts';
import { stringOf } from '../values/attributes.ts';

type Fields = Record<string, unknown>;

interface PictureAnswer {
  readonly role: 'assistant';
  readonly content: readonly Fields[];
}

export interface ImageAnswer extends PictureAnswer {
  /** What the model made of the prompt. */
  readonly revisedPrompt: string | undefined;
}

/** The keys of a picture. A list of objects with any other key is the app's own data. */
const KEYS: ReadonlySet<string> = new Set(['url', 'b64_json', 'revised_prompt']);

/** Returns undefined if the body has no pictures. Without the time when they were made it is what a model wrote as JSON. */
export function imageAnswerOf(body: unknown): ImageAnswer | undefined {
  if (!isObject(body) || typeof body['created'] !== 'number') return undefined;
  const pictures = body['data'];
  if (!Array.isArray(pictures) || pictures.length === 0 || !pictures.every(isPicture)) return undefined;
  const answer = pictureAnswerOf(pictures.map(({ url, b64_json: data }) => url ?? data));
  return { ...answer, revisedPrompt: stringOf(pictures[0]?.['revised_prompt']) };
}

/** Takes addresses of pictures, or their bytes in base64. */
export function pictureAnswerOf(pictures: readonly unknown[]): PictureAnswer {
  return { role: 'assistant', content: pictures.map((url) => ({ type: 'image', image: { url } })) };
}

function isPicture(value: unknown): value is Fields {
  if (!isObject(value) || stringOf(value['url'] ?? value['b64_json']) === undefined) return false;
  if (value['b64_json'] === undefined && value['revised_prompt'] === undefined) return false;
  return Object.keys(value).every((key) => KEYS.has(key));
}
