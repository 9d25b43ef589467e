/** An app that nothing but a flush keeps alive. With `--shutdown` it shuts down after that. */
import { HumanloopSpanProcessor } from 'humanloop-otel';
import { CHAT, startTracing } from './set-up.ts';

const processor = new HumanloopSpanProcessor({ flushTimeoutMillis: 700 });
startTracing(processor).startSpan('chat', CHAT).end();
await processor.forceFlush().catch((error: Error) => console.log(error.name, error.message));
if (process.argv.includes('--shutdown')) {
  await processor.shutdown();
  console.log('shut down', JSON.stringify(processor.stats().dropped));
}
