/** No content: only structure, tokens and timing of the calls are sent. */
import { openai } from '@ai-sdk/openai';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { generateText } from 'ai';
import { HumanloopSpanProcessor } from 'humanloop-otel';

const provider = new NodeTracerProvider({
  // HUMANLOOP_CAPTURE_CONTENT=false does the same without changing code.
  spanProcessors: [new HumanloopSpanProcessor({ project: 'no-content-example', captureContent: false })],
});
provider.register();

await generateText({
  model: openai.chat('gpt-4o-mini'),
  prompt: 'I am kari@example.com. What is the capital of Norway?',
  experimental_telemetry: { isEnabled: true },
});

await provider.shutdown();
