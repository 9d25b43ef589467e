/** No tracing code at all: `node --import humanloop-otel/register`. */
import { openai } from '@ai-sdk/openai';
import { generateText } from 'ai';

// The AI SDK needs `experimental_telemetry` to create spans. Packages that @opentelemetry/auto-instrumentations-node
// instruments need nothing, if it is installed.
const { text } = await generateText({
  model: openai.chat('gpt-4o-mini'),
  prompt: 'What is the capital of Norway?',
  experimental_telemetry: { isEnabled: true },
});
console.log(text);
