import { createPauses, nextHeavyTurn } from '../store/heavy-turns.ts';
import { createOneAtATime } from '../store/one-at-a-time.ts';

/** Of a text that is encoded at once. */
const STEP_CHARACTERS = 256 * 1024;

/** Each is in memory several times meanwhile. */
const alone = createOneAtATime();

/** Resolves to UTF-8. A long text is encoded in steps: one of 8 million characters takes 20 to 100 ms. */
export async function encodeText(text: string): Promise<Buffer> {
  return text.length <= STEP_CHARACTERS ? Buffer.from(text) : alone(() => encodeInSteps(text));
}

async function encodeInSteps(text: string): Promise<Buffer> {
  const pieces: Buffer[] = [];
  await nextHeavyTurn();
  const pause = createPauses();
  for (let at = 0; at < text.length; ) {
    let end = at + STEP_CHARACTERS;
    // Half of a surrogate pair would become a replacement character.
    if (isHighSurrogate(text.charCodeAt(end - 1)) && isLowSurrogate(text.charCodeAt(end))) end += 1;
    pieces.push(Buffer.from(text.slice(at, end)));
    at = end;
    await pause();
  }
  await nextHeavyTurn();
  return Buffer.concat(pieces);
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}

function isLowSurrogate(code: number): boolean {
  return code >= 0xdc00 && code <= 0xdfff;
}
