/** A serverless function (AWS Lambda): the host freezes it right after its answer, so it flushes before. */
import { openai } from '@ai-sdk/openai';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { generateText } from 'ai';
import { HumanloopSpanProcessor } from 'humanloop-otel';

// Outside the handler: the set-up is done once for each instance. A flush must leave time for the answer.
const processor = new HumanloopSpanProcessor({ project: 'lambda-example', flushTimeoutMillis: 2_000 });
new NodeTracerProvider({ spanProcessors: [processor] }).register();

export async function handler({ question }: { question: string }): Promise<{ statusCode: number; body: string }> {
  try {
    const { text } = await generateText({
      model: openai.chat('gpt-4o-mini'),
      prompt: question,
      experimental_telemetry: { isEnabled: true },
    });
    return { statusCode: 200, body: text };
  } finally {
    // If the server is away, the answer still goes out. The logs are kept until the next invocation of this instance.
    await processor.forceFlush().catch((error: Error) => console.error(error.message));
  }
}

// Lambda calls the handler. Here, two invocations stand for it.
for (const question of ['What is the capital of Norway?', 'What is the capital of Sweden?']) {
  console.log((await handler({ question })).body);
}
