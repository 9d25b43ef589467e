import * as Sentry from '@sentry/node';
import { HumanloopSpanProcessor } from 'humanloop-otel';

const processor = new HumanloopSpanProcessor({ project: 'my-app' });
Sentry.init({
  dsn: process.env.SENTRY_DSN,
  // Spans that are not sampled are not logs.
  tracesSampleRate: 1,
  // Without this, Sentry leaves prompts and answers out.
  sendDefaultPii: true,
  openTelemetrySpanProcessors: [processor],
});
process.once('beforeExit', () => processor.shutdown());
