/** Without a line of tracing code: `node --import humanloop-otel/register`, and an app that knows nothing of it. */
import { openai } from '@ai-sdk/openai';
import { generateText } from 'ai';

// The AI SDK makes spans where it is told to. What @opentelemetry/auto-instrumentations-node instruments needs not even
// this, if that package is installed.
const { text } = await generateText({
  model: openai.chat('gpt-4o-mini'),
  prompt: 'What is the capital of Norway?',
  experimental_telemetry: { isEnabled: true },
});
console.log(text);
