/** Reads OpenInference spans that are not model calls: tools, chains, retrieval, embeddings. */
import type { Attributes } from '../../../otel/span-slice.ts';
import { isObject } from '../../../wire/json.ts';
import { messageText } from '../../../wire/message-text.ts';
import { inputsOf } from '../../content/inputs.ts';
import { fromLangChain } from '../../content/langchain-json.ts';
import { MessageReader } from '../../content/messages.ts';
import { toModelTool } from '../../content/model-tools.ts';
import type { Reading } from '../../convention.ts';
import {
  type Damage,
  firstCount,
  firstString,
  jsonOf,
  numberOf,
  objectOf,
  put,
  stringOf,
  unlessEmpty,
} from '../../values/attributes.ts';
import { groupByIndex, type IndexedGroup } from '../../values/indexed-groups.ts';
import { toPlainJson, toPlainObject, toText } from '../../values/plain-json.ts';
import { readTemplate, readUsage } from './call.ts';
import { isRedacted, type RawValue, readValue } from './messages.ts';

/** Reads chains, agents, prompts, guardrails, evaluators. */
export function readChain(attributes: Attributes, damage: Damage): Reading {
  const reading: Reading = {};
  readTemplate(attributes, damage, reading);
  if (reading.promptTemplate !== undefined) {
    reading.other = { prompt_template: reading.promptTemplate };
    delete reading.promptTemplate;
  }
  put(reading, 'name', firstString(attributes, 'agent.name', 'graph.node.name', 'graph.node.id'));
  if (reading.inputs === undefined) put(reading, 'inputs', toInputs(readValue(attributes, 'input.value', damage)));
  readOutput(readValue(attributes, 'output.value', damage), reading);
  return reading;
}

/** `tool.parameters` is a schema by the specification, but many apps write the actual arguments into it. */
export function readToolCall(attributes: Attributes, damage: Damage): Reading {
  const schema = toModelTool(objectOf(attributes['tool.json_schema'], damage, 'tool.json_schema'));
  const parameters = toPlainObject(objectOf(attributes['tool.parameters'], damage, 'tool.parameters'));
  const isSchema = isObject(parameters?.['properties']) || parameters?.['type'] === 'object';
  const result = readValue(attributes, 'output.value', damage);
  const toolCallId = firstString(attributes, 'tool.id', 'tool_call.id') ?? idOfAnsweredCall(result);
  const reading: Reading = {};
  put(reading, 'name', firstString(attributes, 'tool.name') ?? schema?.name);
  put(reading, 'description', firstString(attributes, 'tool.description') ?? schema?.description);
  put(reading, 'toolParameters', schema?.parameters ?? (isSchema ? parameters : undefined));
  put(reading, 'inputs', toInputs(readValue(attributes, 'input.value', damage)) ?? (isSchema ? undefined : parameters));
  readOutput(result, reading);
  if (toolCallId !== undefined) reading.metadata = { tool_call_id: toolCallId };
  return reading;
}

export function readRetrieval(attributes: Attributes, damage: Damage): Reading {
  const [groups = []] = groupByIndex(attributes, ['retrieval.documents.']);
  const reading = readChain(attributes, damage);
  const documents = readDocuments(groups);
  if (documents !== undefined) reading.output = JSON.stringify(documents);
  return reading;
}

export function readRerank(attributes: Attributes, damage: Damage): Reading {
  const lists = ['reranker.input_documents.', 'reranker.output_documents.'];
  const [input = [], output = []] = groupByIndex(attributes, lists);
  const reading = readChain(attributes, damage);
  const topK = firstCount(attributes, 'reranker.top_k');
  const ranking = readDocuments(output);
  const inputs: Record<string, unknown> = {};
  put(inputs, 'query', firstString(attributes, 'reranker.query'));
  put(inputs, 'documents', readDocuments(input));
  put(reading, 'model', firstString(attributes, 'reranker.model_name'));
  if (topK !== undefined) reading.other = { ...reading.other, top_k: topK };
  put(reading, 'inputs', unlessEmpty(inputs));
  if (ranking !== undefined) reading.output = JSON.stringify(ranking);
  return reading;
}

/** Vectors are left out: they are large and nobody reads them. */
export function readEmbedding(attributes: Attributes, damage: Damage): Reading {
  const [groups = []] = groupByIndex(attributes, ['embedding.embeddings.']);
  const texts: string[] = [];
  for (const { fields } of groups) {
    const text = stringOf(fields['embedding.text']);
    if (text !== undefined && !isRedacted(text)) texts.push(text);
  }
  const key = 'embedding.invocation_parameters';
  const parameters = objectOf(attributes[key], damage, key) ?? objectOf(attributes['llm.invocation_parameters']) ?? {};
  const { model, input: _input, ...rest } = parameters;
  const reading: Reading = {};
  put(reading, 'model', stringOf(model) ?? firstString(attributes, 'embedding.model_name', 'llm.model_name'));
  put(reading, 'provider', firstString(attributes, 'llm.provider', 'llm.system'));
  put(reading, 'other', unlessEmpty(toPlainObject(rest) ?? {}));
  put(reading, 'inputs', texts.length > 0 ? { input: texts } : toInputs(readValue(attributes, 'input.value', damage)));
  readUsage(attributes, reading);
  return reading;
}

function toInputs(value: RawValue): Record<string, unknown> | undefined {
  return value.json === undefined ? inputsOf(value.text) : inputsOf(fromLangChain(value.json));
}

/** Reads text as it is, the text of a LangChain message, and other serialised objects as plain JSON. */
function readOutput(value: RawValue, into: Reading): void {
  if (value.json === undefined || value.isDamaged || (value.text !== undefined && !/"lc":\s?1\b/.test(value.text))) {
    put(into, 'output', value.text);
    return;
  }
  const inner = resultOf(fromLangChain(value.json));
  if (!isObject(inner) || typeof inner['role'] !== 'string') {
    into.output = toText(inner);
    return;
  }
  const message = new MessageReader().readOutput(inner)[0];
  put(into, 'output', messageText(message));
  if (message?.role === 'assistant') into.outputMessage = message;
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
    const document: Record<string, unknown> = {};
    const content = stringOf(fields['document.content']);
    const metadata = fields['document.metadata'];
    put(document, 'id', stringOf(fields['document.id']));
    if (!isRedacted(content)) put(document, 'content', content);
    put(document, 'score', numberOf(fields['document.score']));
    if (metadata !== undefined) put(document, 'metadata', toPlainJson(jsonOf(metadata) ?? metadata));
    return document;
  });
}
