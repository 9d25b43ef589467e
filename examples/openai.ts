/** The openai package, traced by OpenInference: a plain and a streamed answer in one session. */
import { OpenAIInstrumentation } from '@arizeai/openinference-instrumentation-openai';
import { trace } from '@opentelemetry/api';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { HumanloopSpanProcessor } from 'humanloop-otel';
import OpenAI from 'openai';

const provider = new NodeTracerProvider({
  spanProcessors: [new HumanloopSpanProcessor({ project: 'openai-example' })],
});
provider.register();
// Instrumentations hook `require` and do not see ES modules, so pass them the class.
new OpenAIInstrumentation().manuallyInstrument(OpenAI);

const client = new OpenAI();
const question = { role: 'user', content: 'Write a short poem about the capital of Norway.' } as const;

await trace.getTracer('openai-example').startActiveSpan('conversation', async (span) => {
  // Any span of a trace may name its session. Without one, each trace is a session of its own.
  span.setAttribute('session.id', `conversation-${Date.now()}`);
  const plain = await client.chat.completions.create({ model: 'gpt-4o-mini', messages: [question] });
  console.log(plain.choices[0]?.message.content);

  const stream = await client.chat.completions.create({ model: 'gpt-4o-mini', messages: [question], stream: true });
  for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta.content ?? '');
  console.log('');
  span.end();
});

await provider.shutdown();
