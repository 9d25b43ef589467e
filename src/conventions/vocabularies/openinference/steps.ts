/** Reads OpenInference spans that are not model calls: tools, chains, retrieval, embeddings. */
import { isObject } from '../../../wire/json.ts';
import { messageText } from '../../../wire/message-text.ts';
import { textOfDocuments } from '../../content/documents.ts';
import { inputsAt, inputsOf } from '../../content/inputs.ts';
import { textOfState } from '../../content/messages/graph-state.ts';
import { MessageReader } from '../../content/messages/messages.ts';
import { isSchema, toModelTool } from '../../content/model-tools.ts';
import { fromLangChain } from '../../content/parts/langchain-json.ts';
import { textOfEvent, toStepOutput } from '../../content/provider-bodies.ts';
import { parametersAt, readRequestParameters } from '../../content/request-parameters.ts';
import type { Reading } from '../../convention.ts';
import {
  jsonOf,
  nameOf,
  numberOf,
  objectOf,
  omitUndefined,
  stringOf,
  unlessEmpty,
  withoutQuotes,
} from '../../values/attributes.ts';
import { groupByIndex, type IndexedGroup } from '../../values/indexed-groups.ts';
import { toPlainJson, toPlainObject, toText } from '../../values/json/plain-json.ts';
import type { SpanFields } from '../../values/span-fields.ts';
import { readTemplate } from './call.ts';
import { isRedacted, type RawValue, readTranscript, readValue } from './raw-value.ts';

/** Reads chains, agents, prompts, guardrails, evaluators. */
export function readChain(fields: SpanFields): Reading {
  const { inputs, promptTemplate } = readTemplate(fields);
  return {
    name: fields.firstString('agent.name', 'graph.node.name', 'graph.node.id'),
    other: { prompt_template: promptTemplate },
    inputs: withHeard(fields, inputs ?? toInputs(readValue(fields, 'input.value'))),
    ...readOutput(readValue(fields, 'output.value'), readTranscript(fields, 'output')),
  };
}

/** Reads a turn of a conversation by voice. */
export function readSpeech(fields: SpanFields): Reading {
  return { ...readChain(fields), model: fields.firstName('llm.model_name') };
}

/** A transcript is the input; beside other inputs it has a key of its own. */
function withHeard(fields: SpanFields, inputs: Record<string, unknown> | undefined): Reading['inputs'] {
  const heard = readTranscript(fields, 'input');
  if (heard === undefined || inputs?.['input'] === heard) return inputs;
  return inputs === undefined ? { input: heard } : { transcript: heard, ...inputs };
}

/** `tool.parameters` is a schema by the specification, but many apps write the actual arguments into it. */
export function readToolCall(fields: SpanFields): Reading {
  const given = fields.object('tool.json_schema');
  const schema = toModelTool(given);
  const bare = schema === undefined && isObject(given?.['properties']) ? toPlainObject(given) : undefined;
  const parameters = toPlainObject(fields.object('tool.parameters'));
  const takes = isSchema(parameters) ? parameters : undefined;
  const result = readValue(fields, 'output.value');
  return {
    name: fields.string('tool.name') ?? schema?.name,
    description: fields.string('tool.description') ?? schema?.description,
    toolParameters: schema?.parameters ?? bare ?? takes,
    inputs: withHeard(
      fields,
      toInputs(readValue(fields, 'input.value')) ??
        (takes ? undefined : (readNamedValues(fields) ?? inputsAt(fields, 'tool.parameters'))),
    ),
    ...readOutput(result, readTranscript(fields, 'output')),
    metadata: { tool_call_id: fields.firstString('tool.id', 'tool_call.id') ?? idOfAnsweredCall(result) },
  };
}

/** Bedrock's agents list the arguments: `[{ name, type, value }]`. */
function readNamedValues(fields: SpanFields): Record<string, unknown> | undefined {
  const entries = (fields.list('tool.parameters') ?? []).flatMap((item): [string, unknown][] => {
    const name = isObject(item) && item['value'] !== undefined ? stringOf(item['name']) : undefined;
    return name === undefined || name === '__proto__' ? [] : [[name, toPlainJson((item as { value: unknown }).value)]];
  });
  return unlessEmpty(Object.fromEntries(entries));
}

export function readRetrieval(fields: SpanFields): Reading {
  const [groups = []] = groupByIndex(fields.attributes, ['retrieval.documents.']);
  const reading = readChain(fields);
  const documents = readDocuments(groups.length > 0 ? groups : wholeGroups(fields, 'retrieval.documents'));
  reading.output = documents === undefined ? textOfDocuments(reading.output) : toText(documents);
  return reading;
}

/** The documents may stand in one attribute, as a list or its JSON, with their prefix or without it. */
function wholeGroups(fields: SpanFields, key: string): IndexedGroup[] {
  return (fields.list(key) ?? []).flatMap((item, index) => {
    const document = objectOf(item);
    if (!document) return [];
    const inner = objectOf(document['document']) ?? document;
    const entries = Object.entries(inner).map(([name, value]) => [
      `document.${name.replace(/^document\./, '')}`,
      value,
    ]);
    return [{ index, fields: Object.fromEntries(entries) }];
  });
}

export function readRerank(fields: SpanFields): Reading {
  const lists = ['reranker.input_documents.', 'reranker.output_documents.'];
  const [input = [], output = []] = groupByIndex(fields.attributes, lists);
  const reading = readChain(fields);
  const inputs = unlessEmpty({ query: fields.string('reranker.query'), documents: readDocuments(input) });
  const ranking = readDocuments(output);
  reading.model = fields.firstName('reranker.model_name');
  reading.other = { top_k: fields.count('reranker.top_k'), ...reading.other };
  reading.inputs = inputs ?? reading.inputs;
  reading.output = ranking === undefined ? textOfDocuments(reading.output) : toText(ranking);
  return reading;
}

export function readEmbedding(fields: SpanFields): Reading {
  const [groups = []] = groupByIndex(fields.attributes, ['embedding.embeddings.']);
  const texts: string[] = [];
  for (const { fields: embedding } of groups) {
    const text = stringOf(embedding['embedding.text']);
    if (text !== undefined && !isRedacted(text)) texts.push(text);
  }
  const only = texts.length === 0 ? fields.string('embedding.text') : undefined;
  if (only !== undefined && !isRedacted(only)) texts.push(only);
  const parameters =
    parametersAt(fields, 'embedding.invocation_parameters') ?? parametersAt(fields, 'llm.invocation_parameters');
  return {
    model: nameOf(parameters?.['model']) ?? fields.firstName('embedding.model_name', 'llm.model_name'),
    provider: fields.firstName('llm.provider', 'llm.system'),
    other: readRequestParameters(parameters ?? {}).other,
    inputs: texts.length > 0 ? { input: texts } : toInputs(readValue(fields, 'input.value')),
  };
}

function toInputs(value: RawValue): Record<string, unknown> | undefined {
  return value.json === undefined ? inputsOf(value.text) : inputsOf(fromLangChain(value.json));
}

/** Flowise ends the first span of a flow before there is an output. */
const UNKNOWN_OUTPUT = '[Object]';

/** Reads what was said, else text as it is, the text of a LangChain message, and other serialised objects as plain JSON. */
function readOutput(value: RawValue, said?: string): Reading {
  if (said !== undefined) return { output: said };
  if (value.text === UNKNOWN_OUTPUT) return {};
  const words =
    isObject(value.json) && !value.isDamaged ? (textOfEvent(value.json) ?? textOfState(value.json)) : undefined;
  if (words !== undefined) return { output: words };
  if (value.json === undefined || value.isDamaged || (value.text !== undefined && !/"lc":\s?1\b/.test(value.text))) {
    return { output: value.isDamaged ? value.text : toStepOutput(value.text) };
  }
  const inner = resultOf(fromLangChain(value.json));
  if (!isObject(inner) || typeof inner['role'] !== 'string') return { output: toText(inner) };
  const message = new MessageReader().readOutput(inner)[0];
  return { output: messageText(message), outputMessage: message?.role === 'assistant' ? message : undefined };
}

/** Returns the id of the call that LangChain's tool message answers. */
function idOfAnsweredCall(value: RawValue): string | undefined {
  const message = resultOf(fromLangChain(value.json));
  return isObject(message) ? stringOf(message['tool_call_id']) : undefined;
}

/** LangChain wraps a tool's result: `{ output }`. */
function resultOf(plain: unknown): unknown {
  return isObject(plain) && Object.keys(plain).length === 1 && isObject(plain['output']) ? plain['output'] : plain;
}

function readDocuments(groups: readonly IndexedGroup[]): Record<string, unknown>[] | undefined {
  if (groups.length === 0) return undefined;
  return groups.map(({ fields }) => {
    const content = stringOf(fields['document.content']);
    const metadata = fields['document.metadata'];
    return omitUndefined<Record<string, unknown>>({
      id: stringOf(fields['document.id']),
      content: isRedacted(content) ? undefined : content,
      score: numberOf(fields['document.score']),
      metadata: toPlainJson(withoutQuotes(jsonOf(metadata)) ?? metadata),
    });
  });
}
