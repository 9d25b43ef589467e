/** The exporter in a BatchSpanProcessor of your own. It sees only spans that have ended. */
import { openai } from '@ai-sdk/openai';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { generateText } from 'ai';
import { HumanloopSpanExporter } from 'humanloop-otel';

const provider = new NodeTracerProvider({
  spanProcessors: [new BatchSpanProcessor(new HumanloopSpanExporter({ project: 'batch-exporter-example' }))],
});
provider.register();

const { text } = await generateText({
  model: openai.chat('gpt-4o-mini'),
  prompt: 'What is the capital of Norway?',
  experimental_telemetry: { isEnabled: true },
});
console.log(text);

await provider.shutdown();
