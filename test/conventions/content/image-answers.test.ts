/** Bodies of the APIs that make pictures, and what a model wrote that looks like one. */
import { describe, expect, it } from 'vitest';
import { imageAnswerOf } from '../../../src/conventions/content/image-answers.ts';
import { read } from '../span.ts';

const pictures = [{ url: 'https://a', revised_prompt: 'A lone linden' }, { b64_json: 'aGk=' }];

describe('a body with pictures', () => {
  it('is a message of them', () => {
    const call = { 'langfuse.observation.type': 'generation', 'langfuse.observation.model.name': 'm' };
    const output = JSON.stringify({ created: 1_700_000_000, data: pictures });
    const { outputMessage, contentMetadata } = read({ ...call, 'langfuse.observation.output': output });
    expect(outputMessage?.content).toEqual(
      ['https://a', 'data:image/png;base64,aGk='].map((url) => ({ type: 'image_url', image_url: { url } })),
    );
    expect(contentMetadata).toMatchObject({ revised_prompt: 'A lone linden' });
  });

  it.each<[unknown]>([
    [{ data: pictures }],
    [{ images: pictures }],
    [{ created: 1, data: [] }],
    [{ created: 1, data: [{ url: 'https://a' }] }],
    [{ created: 1, data: [{ ...pictures[0], note: 'mine' }] }],
    [{ created: 1, data: [pictures[0], 'x'] }],
  ])('is not %j', (body) => {
    expect(imageAnswerOf(body)).toBeUndefined();
  });
});
