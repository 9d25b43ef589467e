/** Sending no content: the structure, the tokens and the timing of the calls, and not a word of what was said. */
import { openai } from '@ai-sdk/openai';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { generateText } from 'ai';
import { HumanloopSpanProcessor } from 'humanloop-otel';

const provider = new NodeTracerProvider({
  // The same without a change of code: HUMANLOOP_CAPTURE_CONTENT=false.
  spanProcessors: [new HumanloopSpanProcessor({ project: 'no-content-example', captureContent: false })],
});
provider.register();

await generateText({
  model: openai.chat('gpt-4o-mini'),
  prompt: 'I am kari@example.com. What is the capital of Norway?',
  experimental_telemetry: { isEnabled: true },
});

await provider.shutdown();
