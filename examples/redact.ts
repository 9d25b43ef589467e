/** Changing what is sent: a hook gets every datapoint first. */
import { openai } from '@ai-sdk/openai';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { generateText } from 'ai';
import { HumanloopSpanProcessor, type Redact } from 'humanloop-otel';

const EMAIL = /[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g;

/** If it throws, the log is sent without content, never unredacted. Returning null withholds the whole log. */
const hideEmailAddresses: Redact = (datapoint) => {
  return JSON.parse(JSON.stringify(datapoint).replaceAll(EMAIL, '[email address]'));
};

const provider = new NodeTracerProvider({
  spanProcessors: [new HumanloopSpanProcessor({ project: 'redact-example', redact: hideEmailAddresses })],
});
provider.register();

await generateText({
  model: openai.chat('gpt-4o-mini'),
  prompt: 'I am kari@example.com. What is the capital of Norway?',
  experimental_telemetry: { isEnabled: true },
});

await provider.shutdown();
