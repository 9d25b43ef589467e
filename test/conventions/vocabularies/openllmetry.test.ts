/** OpenLLMetry's indexed messages. */
import { expect, it } from 'vitest';
import { read } from '../span.ts';

it('keeps the place of an assistant whose content is the text null', () => {
  const messages = ['user', 'assistant', 'tool'].flatMap((role, at) => [
    [`gen_ai.prompt.${at}.role`, role],
    [`gen_ai.prompt.${at}.content`, role === 'assistant' ? 'null' : role],
  ]);
  const { messages: history } = read({ 'llm.request.type': 'chat', ...Object.fromEntries(messages) });
  expect(history?.map(({ role, content }) => [role, content])).toEqual([
    ['user', 'user'],
    ['assistant', ''],
    ['tool', 'tool'],
  ]);
});
