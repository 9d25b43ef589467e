/** Maps and lists that Spring AI prints, whose texts are not escaped. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { read } from '../span.ts';

const client = (prompt: string) =>
  read({ 'spring.ai.kind': 'chat_client', 'gen_ai.operation.name': 'framework', 'gen_ai.prompt': prompt });

describe('a prompt', () => {
  it('is read by its speakers, also with quotes in it', () => {
    const reading = client('["user":"Say "hi", then stop", "system":"Be brief"]');
    expect(reading.inputs).toEqual({ user: 'Say "hi", then stop', system: 'Be brief' });
    expect(reading.metadata?.['truncated']).toBeUndefined();
  });

  it.each([
    '["user":"Fill in: {"a":"x", "b":"y"}", "system":"Be brief"]',
    '["user":"Is ", "user":" a key?", "system":"Be brief"]',
  ])('stays a text if an entry may be the words of another: %s', (prompt) => {
    const reading = client(prompt);
    expect(reading.inputs).toEqual({ input: prompt });
    expect(reading.metadata?.['truncated']).toBeUndefined();
  });

  it.each(['["user":"Hi", "sys', '["abc":"'])('is reported if it was cut: %s', (prompt) => {
    expect(client(prompt).metadata?.['truncated']).toEqual(['gen_ai.prompt']);
  });
});

describe('a list of texts', () => {
  const call = (prompts: readonly string[], answers: readonly string[]) =>
    read(
      {
        'gen_ai.operation.name': 'chat',
        'gen_ai.request.model': 'gpt-4o',
        'gen_ai.prompt': `["${prompts.join('", "')}"]`,
        'gen_ai.completion': `["${answers.join('", "')}"]`,
      },
      { scope: 'org.springframework.boot' },
    );
  const toPrompts = (texts: readonly string[]) => texts.map((content) => ({ role: 'user', content }));

  it.each([
    '{"city":"Paris", "country":"France"}',
    '["a", "b", "c"]',
    'Call it with "a", "b" or "c", "d".',
    '{"path":"C:\\\\", "said":"\\"x\\", \\"y\\""}',
    'print("a", "b")',
  ])('is not taken apart inside of one: %s', (text) => {
    const reading = call(['Be brief.', text, 'Go on.'], [text]);
    expect(reading.messages).toEqual(toPrompts(['Be brief.', text, 'Go on.']));
    expect(reading.output).toBe(text);
    expect(reading.metadata?.['choices']).toBeUndefined();
  });

  it('is taken apart although a text has one quote that is never closed', () => {
    expect(call(['A 5" screen', 'is what?'], ['"Small"', '5" is small']).messages).toEqual(
      toPrompts(['A 5" screen', 'is what?']),
    );
  });

  it("keeps a model's own JSON, whatever is in it", () => {
    // `", "` as a text or at its end cannot be told from what stands between two texts.
    const texts = fc.string().filter((text) => !JSON.stringify(text).includes('", "'));
    const json = fc.dictionary(texts, fc.oneof(texts, fc.array(texts), fc.integer()), { minKeys: 1 });
    const spaced = json.map((value) => JSON.stringify(value, null, 1).replaceAll(/\n */g, ' '));
    const property = fc.property(spaced, (text) => {
      // `{ ",": 1 }` in such a list is JSON of two texts.
      fc.pre(!isJson(`["${text}"]`));
      expect(call(['Hi "Bob"'], [text]).output).toBe(text);
    });
    fc.assert(property, { numRuns: 300 });
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
