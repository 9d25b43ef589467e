/** Maps that Spring AI prints, whose texts are not escaped. */
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
