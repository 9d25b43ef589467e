/** A function with `waitUntil` (Vercel, Cloudflare): it answers first, and the host keeps it running for the flush. */
import { openai } from '@ai-sdk/openai';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { generateText } from 'ai';
import { HumanloopSpanProcessor } from 'humanloop-otel';

const processor = new HumanloopSpanProcessor({ project: 'wait-until-example' });
new NodeTracerProvider({ spanProcessors: [processor] }).register();

/** On Vercel: `import { waitUntil } from '@vercel/functions'`, or `after` of `next/server`. */
type WaitUntil = (work: Promise<unknown>) => void;

export async function answer(request: Request, waitUntil: WaitUntil): Promise<Response> {
  const { text } = await generateText({
    model: openai.chat('gpt-4o-mini'),
    prompt: await request.text(),
    experimental_telemetry: { isEnabled: true },
  });
  waitUntil(processor.forceFlush().catch((error: Error) => console.error(error.message)));
  return new Response(text);
}

// The host calls the function. Here, one request stands for it.
const works: Promise<unknown>[] = [];
const request = new Request('http://localhost', { method: 'POST', body: 'What is the capital of Norway?' });
const response = await answer(request, (work) => works.push(work));
console.log(await response.text());
await Promise.all(works);
