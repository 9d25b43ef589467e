/** The processor in a NodeTracerProvider, without NodeSDK and next to other processors. */
import { openai } from '@ai-sdk/openai';
import { ConsoleSpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { generateText } from 'ai';
import { HumanloopSpanProcessor } from 'humanloop-otel';

const provider = new NodeTracerProvider({
  spanProcessors: [
    new HumanloopSpanProcessor({ project: 'tracer-provider-example' }),
    ...(process.env['SHOW_SPANS'] ? [new SimpleSpanProcessor(new ConsoleSpanExporter())] : []),
  ],
});
provider.register();

const { text } = await generateText({
  model: openai.chat('gpt-4o-mini'),
  prompt: 'What is the capital of Norway?',
  experimental_telemetry: { isEnabled: true },
});
console.log(text);

await provider.shutdown();
