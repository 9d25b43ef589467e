/** A vocabulary of your own: reads the attributes that your framework writes. */
import { SpanStatusCode, trace } from '@opentelemetry/api';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { CONVENTIONS, type Convention, HumanloopSpanProcessor, type Reading } from 'humanloop-otel';

const KINDS = { generate: 'model', lookup: 'tool', session: 'plumbing' } as const;

const librarian: Convention = {
  // Written to the metadata of each log.
  name: 'librarian',

  // What your spans are known by. `classify` is not called for spans without any of these.
  signs: { keys: ['librarian.step'] },

  // Runs for open spans too, so only look up a key or two. Return undefined for spans that are not yours, and
  // `plumbing` for spans of yours that should not become logs.
  classify({ attributes }) {
    return KINDS[attributes['librarian.step'] as keyof typeof KINDS];
  },

  // Set only the fields that the span has. Nothing else is taken from the span except its name, times and ids.
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
  // First in the list, so that it decides if a span uses several vocabularies.
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
  step('generate', { prompt: 'Which book is about a white whale?', answer: 'Moby-Dick.' }, () => {
    step('lookup', { title: 'Moby-Dick', answer: 'on loan' });
  });
});

await provider.shutdown();
