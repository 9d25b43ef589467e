/**
 * Langtrace: the service that was called in `langtrace.service.*`, and what was asked and answered in events of the first
 * GenAI conventions. The first releases have it, and the parameters too, in attributes of their own (`llm.*`).
 *
 * Calls of tools are JSON in the text of the answer, a text alone has quotes, and Anthropic's streamed answer is repeated
 * with each piece of it.
 */
import type { SpanSlice } from '../../otel/span-slice.ts';
import { isObject } from '../../wire/json.ts';
import { inputsOf } from '../content/inputs.ts';
import { MessageReader, metadataOfMessages } from '../content/messages/messages.ts';
import { modelToolsAt } from '../content/model-tools.ts';
import { blocksInText } from '../content/parts/message-parts.ts';
import { readAnswer, structuredAt, structuredOf } from '../content/provider-bodies.ts';
import { ownUsage, usageDetails, usageOfBody } from '../content/usage.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import { booleanOf, objectOf, omitUndefined, unquotedText } from '../values/attributes.ts';
import { toOptionalText } from '../values/json/plain-json.ts';
import type { SpanFields } from '../values/span-fields.ts';
import { usageObjectAt } from '../values/usage-object.ts';
import { readEventContent } from './gen-ai/events.ts';
import { genAi } from './gen-ai/gen-ai.ts';

const SERVICE = 'langtrace.service.type';

const TEXTS = ['gen_ai.request.embedding_inputs', 'llm.embedding_inputs'] as const;
const QUERIES = ['gen_ai.cohere.rerank.query', 'llm.retrieval.query'] as const;
const RANKINGS = ['gen_ai.cohere.rerank.results', 'llm.retrieval.results'] as const;
const DOCUMENTS = ['gen_ai.request.documents', 'llm.documents'] as const;
const TOOLS = ['llm.tools', 'llm.function.prompts'] as const;
/** What a step of a framework was given and returned, after the framework's name. */
const STEP = /^\w+\.(inputs|outputs)$/;

export const langtrace: Convention = {
  name: 'langtrace',
  title: 'Langtrace',
  context: { session: ['llm.conversation_id'], user: ['gen_ai.user', 'llm.user'] },
  signs: { keys: [SERVICE] },

  classify(span: SpanSlice): SpanKind | undefined {
    const { attributes } = span;
    const type = attributes[SERVICE];
    if (type === 'framework') return genAi.classify(span) ?? 'generic';
    if (type !== 'llm') return undefined;
    const isOther = [...TEXTS, ...QUERIES].some((key) => attributes[key] !== undefined);
    return isOther ? 'generic' : (genAi.classify(span) ?? 'model');
  },

  read(_span: SpanSlice, kind: SpanKind, fields: SpanFields): Reading {
    const { attributes } = fields;
    if (attributes[SERVICE] === 'framework') return readStep(fields);
    const usage = usageOfBody({ usage: usageObjectAt(fields, 'llm.token.counts') }) ?? {};
    const metadata = {
      response_id: fields.firstName('gen_ai.response_id', 'llm.response_id', 'llm.generation_id'),
      system_fingerprint: fields.firstString('gen_ai.system_fingerprint', 'llm.system.fingerprint'),
      ...usageDetails(usage),
    };
    return {
      model: fields.firstName('llm.model'),
      provider: fields.firstName('langtrace.service.name'),
      temperature: fields.number('llm.temperature'),
      topP: fields.number('llm.top_p'),
      maxTokens: fields.integer('llm.max_tokens'),
      presencePenalty: fields.number('llm.presence_penalty'),
      frequencyPenalty: fields.number('llm.frequency_penalty'),
      seed: fields.integer('llm.seed'),
      tools: modelToolsAt(fields, fields.firstKey(...TOOLS) ?? TOOLS[0]),
      other: { top_k: fields.number('llm.top_k'), stream: booleanOf(attributes['llm.stream']) },
      ...ownUsage(usage),
      ...(kind === 'model' ? readCall(fields, usage.outputTokens) : readOther(fields)),
      metadata,
    };
  },
};

function readCall(fields: SpanFields, outputTokens: number | undefined): Reading {
  const reader = new MessageReader();
  const events = readEventContent(fields.span);
  const asked = structuredAt(fields, 'llm.prompts') ?? structuredOf(events.input);
  const messages = asked === undefined ? [] : reader.read(asked);
  const said = structuredAt(fields, 'llm.responses') ?? structuredOf(events.output);
  const answer = readAnswer(Array.isArray(said) ? said.map(withCalls) : withoutQuotes(said), reader, outputTokens);
  return omitUndefined<Reading>({
    endpoint: 'chat',
    messages: messages.length > 0 ? messages : undefined,
    ...answer,
    contentMetadata: { ...metadataOfMessages(reader), ...answer.contentMetadata },
  });
}

function withoutQuotes(said: unknown): unknown {
  return typeof said === 'string' ? unquotedText(said) : said;
}

/** The text of an answer that calls tools is the JSON of the list of calls, or of the one call of a function. */
function withCalls(answer: unknown): unknown {
  if (!isObject(answer)) return answer;
  const { message, role = 'assistant', content } = answer;
  if (isObject(message)) return { ...answer, message: withCalls(message) };
  if (typeof content !== 'string') return { role, ...answer };
  const call = content.startsWith('{"name":') ? objectOf(content) : undefined;
  const isCall = call !== undefined && typeof call['arguments'] === 'string' && Object.keys(call).length === 2;
  return { ...answer, role, content: isCall ? [{ type: 'function', ...call }] : (blocksInText(content) ?? content) };
}

/** Reads embeddings, whose texts are in a list of one, rerankings, and what else is no call of a model. */
function readOther(fields: SpanFields): Reading {
  const texts = structuredAt(fields, fields.firstKey(...TEXTS));
  const query = fields.firstString(...QUERIES);
  const documents = structuredAt(fields, fields.firstKey(...DOCUMENTS));
  return {
    inputs: inputsOf(query !== undefined ? { query, documents } : Array.isArray(texts) ? texts.flat() : texts),
    output: toOptionalText(structuredAt(fields, fields.firstKey(...RANKINGS))),
  };
}

function readStep(fields: SpanFields): Reading {
  const [input, output] = ['inputs', 'outputs'].map((side) => fields.keys.find((key) => STEP.exec(key)?.[1] === side));
  return {
    inputs: inputsOf(structuredAt(fields, input)),
    output: toOptionalText(structuredAt(fields, output)),
  };
}
