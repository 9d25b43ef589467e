/** No tracing code at all: `node --import humanloop-otel/register`. */
import { openai } from '@ai-sdk/openai';
import { generateText } from 'ai';

// See docs/zero-code.md for what to install for other SDKs.
const { text } = await generateText({
  model: openai.chat('gpt-4o-mini'),
  prompt: 'What is the capital of Norway?',
});
console.log(text);
