/**
 * OpenTelemetry's instrumentation of OpenAI's client for PHP: parameters and tokens under `openai.*`, and no content. What it
 * does for files and lists of models is no call of a model.
 */
import { type SpanSlice, scopeOf } from '../../otel/span-slice.ts';
import { readError } from '../content/read-error.ts';
import { modelNameOf } from '../content/request-parameters.ts';
import { IN_BODY, ownUsage, UsageTable, usageDetails } from '../content/usage.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import { booleanOf, integerOf, numberOf, objectOf, stringOf } from '../values/attributes.ts';
import { FieldTable } from '../values/field-table.ts';
import type { SpanFields } from '../values/span-fields.ts';

const RESOURCE = 'openai.resource';
const USER = 'openai.user';
const SCOPE = 'io.opentelemetry.contrib.php.openai';

const KINDS: ReadonlyMap<string, SpanKind> = new Map([
  ['chat', 'model'],
  ['completions', 'model'],
  ['responses', 'model'],
  ['edits', 'model'],
  ['audio', 'model'],
  ['images', 'model'],
  ['models', 'plumbing'],
  ['files', 'plumbing'],
]);

const PARAMETERS = new FieldTable<Reading>({
  model: [modelNameOf, 'openai.model'],
  maxTokens: [integerOf, 'openai.max_tokens'],
  temperature: [numberOf, 'openai.temperature'],
  topP: [numberOf, 'openai.top_p'],
  presencePenalty: [numberOf, 'openai.presence_penalty'],
  frequencyPenalty: [numberOf, 'openai.frequency_penalty'],
  seed: [integerOf, 'openai.seed'],
});

const OTHER = new FieldTable<Record<string, unknown>>({
  n: [integerOf, 'openai.n'],
  stream: [booleanOf, 'openai.stream'],
});

const USAGE = new UsageTable(
  {
    promptTokens: ['openai.usage.prompt_tokens'],
    outputTokens: ['openai.usage.completion_tokens'],
    total_tokens: ['openai.usage.total_tokens'],
  },
  IN_BODY,
);

export const openAiPhp: Convention = {
  name: 'openai-php',
  title: "OpenAI's client for PHP",
  context: { user: [USER] },
  signs: { keys: [RESOURCE] },

  classify(span: SpanSlice): SpanKind | undefined {
    const resource = stringOf(span.attributes[RESOURCE]);
    return resource === undefined || !scopeOf(span).name.startsWith(SCOPE)
      ? undefined
      : (KINDS.get(resourceOf(resource)) ?? 'generic');
  },

  read(span: SpanSlice, kind: SpanKind, fields: SpanFields): Reading {
    const { attributes, keys } = fields;
    const reading: Reading = PARAMETERS.read(attributes, keys);
    const usage = USAGE.read(attributes, keys);
    reading.provider = 'openai';
    if (kind === 'model')
      reading.endpoint = resourceOf(`${attributes[RESOURCE]}`) === 'completions' ? 'complete' : 'chat';
    const format = stringOf(
      objectOf(attributes['openai.response_format'])?.['type'] ?? attributes['openai.response_format'],
    );
    reading.responseFormat = format?.startsWith('json') ? { type: 'json_object' } : undefined;
    reading.other = OTHER.read(attributes, keys);
    reading.error = readError(span);
    reading.metadata = usageDetails(usage);
    return Object.assign(reading, ownUsage(usage));
  },
};

function resourceOf(text: string): string {
  return text.split('/', 1)[0]!;
}
