/** A vocabulary of your own: what your framework writes on its spans, read in a few lines. */
import { SpanStatusCode, trace } from '@opentelemetry/api';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { CONVENTIONS, type Convention, HumanloopSpanProcessor, type Reading } from 'humanloop-otel';

const KINDS = { generate: 'model', lookup: 'tool', session: 'plumbing' } as const;

const librarian: Convention = {
  // Kept in the metadata of each log.
  name: 'librarian',

  // Called for every span of the app, open ones too: look up a key or two. `undefined` is for spans that are not yours,
  // `plumbing` for those that are and should be no logs.
  classify({ attributes }) {
    return KINDS[attributes['librarian.step'] as keyof typeof KINDS];
  },

  // Say what the span says and leave out the rest. What this returns is all that is taken from the span, but for its
  // name, its times and its ids.
  read({ attributes, status }) {
    const { prompt, answer, title } = JSON.parse(String(attributes['librarian.data'])) as Record<string, string>;
    const reading: Reading = {};
    if (attributes['librarian.step'] === 'generate') reading.model = 'my-own-model';
    if (prompt) reading.messages = [{ role: 'user', content: prompt }];
    if (title) reading.inputs = { title };
    if (answer) reading.output = answer;
    if (status.code === SpanStatusCode.ERROR) reading.error = { message: status.message ?? 'failed' };
    return reading;
  },
};

const provider = new NodeTracerProvider({
  // Before the others, so that it decides where a span speaks several.
  spanProcessors: [
    new HumanloopSpanProcessor({ project: 'custom-convention-example', conventions: [librarian, ...CONVENTIONS] }),
  ],
});
provider.register();
const tracer = trace.getTracer('librarian');

function step(kind: string, data: object, below: () => void = () => {}): void {
  const attributes = { 'librarian.step': kind, 'librarian.data': JSON.stringify(data) };
  tracer.startActiveSpan(kind, { attributes }, (span) => {
    below();
    span.end();
  });
}

step('session', {}, () => {
  step('generate', { prompt: 'Which book tells of a white whale?', answer: 'Moby-Dick.' }, () => {
    step('lookup', { title: 'Moby-Dick', answer: 'on loan' });
  });
});

await provider.shutdown();
