/** An app's own set-up of tracing, which prints at the end how many spans it has seen. */
import { trace } from '@opentelemetry/api';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';

let ended = 0;
const counter = {
  onStart: () => undefined,
  onEnd: () => void ended++,
  forceFlush: async () => undefined,
  shutdown: async () => undefined,
};
trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [counter] }));
process.on('exit', () => console.log(ended));
