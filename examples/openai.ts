/** The openai package, traced by OpenInference: a plain answer and a streamed one in one session. */
import { OpenAIInstrumentation } from '@arizeai/openinference-instrumentation-openai';
import { trace } from '@opentelemetry/api';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { HumanloopSpanProcessor } from 'humanloop-otel';
import OpenAI from 'openai';

const provider = new NodeTracerProvider({
  spanProcessors: [new HumanloopSpanProcessor({ project: 'openai-example' })],
});
provider.register();
// ES modules pass by the hooks of instrumentations, so the class is handed over.
new OpenAIInstrumentation().manuallyInstrument(OpenAI);

const client = new OpenAI();
const question = { role: 'user', content: 'Write a short poem about the capital of Norway.' } as const;

await trace.getTracer('openai-example').startActiveSpan('conversation', async (span) => {
  // Any span of a trace may name its session; without one, each trace is its own.
  span.setAttribute('session.id', `conversation-${Date.now()}`);
  const plain = await client.chat.completions.create({ model: 'gpt-4o-mini', messages: [question] });
  console.log(plain.choices[0]?.message.content);

  const stream = await client.chat.completions.create({ model: 'gpt-4o-mini', messages: [question], stream: true });
  for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta.content ?? '');
  console.log('');
  span.end();
});

await provider.shutdown();
