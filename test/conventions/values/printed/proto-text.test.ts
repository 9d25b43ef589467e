/** Contents and answers of Gemini as Python prints messages of Protocol Buffers. */
import { describe, expect, it } from 'vitest';
import { protoTextIn } from '../../../../src/conventions/values/printed/proto-text.ts';
import type { Attributes } from '../../../../src/otel/span-slice.ts';
import { MOST_RATIO, ratioOf } from '../../../support/effort.ts';
import { read } from '../../span.ts';

const content = (role: string, ...texts: string[]) =>
  `role: "${role}"\n${texts.map((text) => `parts {\n  text: "${text}"\n}\n`).join('')}`;

const ANSWER = `candidates {
  content {
    role: "model"
    parts {
      text: "Il fait 5\\302\\260 \\303\\240 Paris.\\n\\"Bye\\""
    }
  }
  finish_reason: MAX_TOKENS
  safety_ratings {
    category: HARM_CATEGORY_HARASSMENT
    probability: NEGLIGIBLE
    score: 0.1
  }
}
usage_metadata {
  prompt_token_count: 5
  candidates_token_count: 3
  total_token_count: 8
}
`;

const CALLS: Readonly<Record<string, (asked: string, answered: string) => Attributes>> = {
  'gen-ai': (asked, answered) => ({
    'gen_ai.operation.name': 'chat',
    'gen_ai.request.model': 'm',
    'gen_ai.prompt': asked,
    'gen_ai.completion': answered,
  }),
  openinference: (asked, answered) => ({
    'openinference.span.kind': 'LLM',
    'input.value': asked,
    'output.value': answered,
  }),
  langfuse: (asked, answered) => ({
    'langfuse.observation.type': 'generation',
    'langfuse.observation.input': asked,
    'langfuse.observation.output': answered,
  }),
};

describe.each(Object.entries(CALLS))('in %s', (_vocabulary, attributesOf) => {
  it('reads a message and an answer', () => {
    expect(read(attributesOf(content('user', 'Hi'), ANSWER))).toMatchObject({
      messages: [{ role: 'user', content: 'Hi' }],
      output: 'Il fait 5° à Paris.\n"Bye"',
      finishReason: 'length',
    });
  });

  it('reads a list of messages', () => {
    const list = `[${content('user', 'Hi')}, ${content('model', 'Yes', 'sir')}, ${content('user', 'Bye')}]`;
    expect(read(attributesOf(list, ANSWER)).messages).toEqual([
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Yes\nsir' },
      { role: 'user', content: 'Bye' },
    ]);
  });
});

it.each([
  'role: "user"',
  'role: "user"\nparts {\n  text: "Hi"\n',
  'parts {\n}}',
  'parts {\nas it is',
  'a: 1\nb {\n}\n',
])('does not read %j', (text) => {
  expect(protoTextIn(text)).toBeUndefined();
});

it('sets no prototype', () => {
  const value = protoTextIn('parts {\n  text: "a"\n  __proto__ {\n    a: 1\n  }\n  b: 2\n}\n') as {
    parts: Record<string, unknown>[];
  };
  expect(value.parts[0]?.['a']).toBeUndefined();
  expect(value).toEqual({ parts: [{ text: 'a', b: 2 }] });
});

it.each(['a: 1\n', 'a {\n', '}\n', 'a: "', '\\"', ' ', ', ', 'parts {\n}\n'])(
  'takes a time in proportion to a text of %j',
  async (piece) => {
    const textOf = (size: number) => `parts {\n${piece.repeat(size / piece.length)}`;
    const ratio = await ratioOf(
      () => protoTextIn(textOf(25_000)),
      () => protoTextIn(textOf(100_000)),
    );
    expect(ratio).toBeLessThan(MOST_RATIO);
  },
);
