/**
 * Neatlogs: flattened messages in `neatlogs.llm.*`, nearly as OpenInference has them. The calls of all answers are in one
 * list beside the messages, content that is not text is JSON, and the model is that of the response.
 */
import type { Attributes, SpanSlice } from '../../otel/span-slice.ts';
import { inputsOf } from '../content/inputs.ts';
import { finishReasonAt } from '../content/messages/finish-reason.ts';
import { MessageReader, metadataOfMessages } from '../content/messages/messages.ts';
import { toModelTools } from '../content/model-tools.ts';
import { blocksInText } from '../content/parts/message-parts.ts';
import { jsonValueAt, readAnswer, toStepOutput } from '../content/provider-bodies.ts';
import { readError } from '../content/read-error.ts';
import { ownUsage, UsageTable, usageDetails, usageSums } from '../content/usage.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import { omitUndefined, stringListOf } from '../values/attributes.ts';
import { groupByIndex, type IndexedGroup } from '../values/indexed-groups.ts';
import type { SpanFields } from '../values/span-fields.ts';

const KIND = 'neatlogs.span.kind';

const KINDS: ReadonlyMap<string, SpanKind> = new Map([
  ['llm', 'model'],
  ['tool', 'tool'],
  ['mcp_tool', 'tool'],
  ['agent', 'agent'],
  // A marker that a trace is complete.
  ['neatlogs.internal', 'plumbing'],
]);

const LLM = 'neatlogs.llm.';
const LISTS = [`${LLM}input_messages.`, `${LLM}output_messages.`, `${LLM}tool_calls.`, `${LLM}tools.`] as const;

export const neatlogs: Convention = {
  name: 'neatlogs',
  title: 'Neatlogs',
  packages: ['neatlogs'],
  context: {
    session: ['neatlogs.session.id', 'neatlogs.conversation.id'],
    user: ['neatlogs.end_user.id'],
    tags: ['neatlogs.tags'],
  },
  signs: { keys: [KIND] },

  classify({ attributes }: SpanSlice): SpanKind | undefined {
    const kind = attributes[KIND];
    return typeof kind === 'string' && kind !== '' ? (KINDS.get(kind.toLowerCase()) ?? 'generic') : undefined;
  },

  read(span: SpanSlice, kind: SpanKind, fields: SpanFields): Reading {
    const usage = USAGE.read(fields.attributes, fields.keys);
    const isCall = kind === 'model' || fields.string('neatlogs.embedding.model_name') !== undefined;
    const reading = kind === 'model' ? readModelCall(fields, usage.outputTokens) : readStep(fields, kind);
    return {
      ...reading,
      ...(isCall && ownUsage(usage)),
      error: readError(span, omitUndefined({ message: fields.string('neatlogs.error.message') })),
      metadata: {
        ...(kind === 'tool' && { tool_call_id: fields.firstName('neatlogs.tool_call.id') }),
        ...(isCall ? usageDetails(usage) : usageSums(usage)),
      },
    };
  },
};

const COUNT = `${LLM}token_count.`;
const USAGE = new UsageTable(
  {
    promptTokens: [`${COUNT}prompt`, 'neatlogs.embedding.token_count'],
    outputTokens: [`${COUNT}completion`],
    total_tokens: [`${COUNT}total`],
    cache_read_tokens: [`${COUNT}cache_read`],
    cache_write_tokens: [`${COUNT}cache_write`],
    reasoning_tokens: [`${COUNT}reasoning`],
    total_cost: [`${LLM}cost_usd`],
  },
  ['neatlogs.'],
);

function readModelCall(fields: SpanFields, outputTokens: number | undefined): Reading {
  const [asked = [], answered = [], calls = [], tools = []] = groupByIndex(fields.attributes, LISTS);
  const reader = new MessageReader();
  // Spans of OpenInference's instrumentations have their messages beside these.
  const isOthers = fields.attributes['openinference.span.kind'] !== undefined;
  const input =
    asked.length > 0 ? asked.map(openedMessage) : valueAt(fields, `${LLM}input`, ...(isOthers ? [] : ['input.value']));
  const messages = input === undefined ? [] : reader.read(input);
  const output = answered.length > 0 || calls.length > 0 ? withCalls(answered, calls) : undefined;
  const value = output ?? valueAt(fields, `${LLM}output`, ...(isOthers ? [] : ['output.value']));
  const answer = readAnswer(value, reader, outputTokens);
  return {
    model: fields.firstName(`${LLM}model_name`),
    provider: fields.firstName(`${LLM}provider`, `${LLM}system`),
    endpoint: 'chat',
    temperature: fields.number(`${LLM}temperature`),
    topP: fields.number(`${LLM}top_p`),
    maxTokens: fields.integer(`${LLM}max_tokens`),
    presencePenalty: fields.number(`${LLM}presence_penalty`),
    frequencyPenalty: fields.number(`${LLM}frequency_penalty`),
    stop: stringListOf(fields.attributes[`${LLM}stop_sequences`]),
    other: { top_k: fields.number(`${LLM}top_k`) },
    tools: toModelTools(tools.map(({ fields: tool }) => tool)),
    messages: messages.length > 0 ? messages : undefined,
    ...answer,
    finishReason: finishReasonAt(fields, `${LLM}finish_reason`, `${LLM}stop_reason`) ?? answer.finishReason,
    contentMetadata: { ...metadataOfMessages(reader), ...answer.contentMetadata },
  };
}

/** What a model answered is a text, and may be JSON of its own. */
function openedMessage({ fields }: IndexedGroup): Attributes {
  const { content } = fields;
  return { ...fields, ...(typeof content === 'string' && { content: blocksInText(content) ?? content }) };
}

/** With several answers it is not said whose the calls are: the first one's, which is what others call first, too. */
function withCalls(answers: readonly IndexedGroup[], calls: readonly IndexedGroup[]): Attributes[] {
  const [first = { role: 'assistant' }, ...others] = answers.map(({ fields }) => fields);
  const tool_calls = calls.map(({ fields: { id, name, arguments: input } }) => ({
    id,
    type: 'function',
    function: { name, arguments: input },
  }));
  return [tool_calls.length > 0 ? { ...first, tool_calls } : first, ...others];
}

function readStep(fields: SpanFields, kind: SpanKind): Reading {
  const own = `neatlogs.${fields.string(KIND)?.toLowerCase()}.`;
  return {
    model: fields.firstName('neatlogs.embedding.model_name'),
    name: fields.firstString(...(kind === 'tool' ? TOOL_NAMES : NAMES)),
    description: fields.string('neatlogs.tool.description'),
    inputs: inputsOf(valueAt(fields, 'input.value', `${own}input`, `${own}query`, 'neatlogs.embedding.text')),
    output: toStepOutput(valueAt(fields, 'output.value', `${own}output`)),
  };
}

const TOOL_NAMES = ['neatlogs.tool.name'] as const;
const NAMES = ['neatlogs.agent.name', 'neatlogs.workflow.name'] as const;

function valueAt(fields: SpanFields, ...keys: readonly string[]): unknown {
  const key = fields.firstKey(...keys);
  return key === undefined ? undefined : jsonValueAt(fields, key);
}
