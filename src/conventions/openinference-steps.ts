/** OpenInference spans that are no call of a model: tools, chains, retrieval, embeddings. */
import type { Attributes } from '../otel.ts';
import {
  type Damage,
  defined,
  definedOrNone,
  firstCount,
  firstString,
  isObject,
  jsonOf,
  numberOf,
  objectOf,
  stringOf,
} from './attributes.ts';
import type { Reading } from './convention.ts';
import { type IndexedGroup, indexedGroups } from './indexed-groups.ts';
import { inputsOf } from './inputs.ts';
import { fromLangChain } from './langchain-json.ts';
import { MessageReader, messageText } from './messages.ts';
import { toModelTool } from './model-tools.ts';
import { readTemplate, readUsage } from './openinference-call.ts';
import { isRedacted, type RawValue, readValue } from './openinference-messages.ts';
import { plainJson, plainObject, textOrJson } from './plain-json.ts';

/** Chains, agents, prompts, guardrails, evaluators. */
export function readChain(attributes: Attributes, damage: Damage): Reading {
  const { promptTemplate, inputs } = readTemplate(attributes, damage);
  return defined<Reading>({
    name: firstString(attributes, 'agent.name', 'graph.node.name', 'graph.node.id'),
    inputs: inputs ?? toInputs(readValue(attributes, 'input.value', damage)),
    ...toOutput(readValue(attributes, 'output.value', damage)),
    other: promptTemplate === undefined ? undefined : { prompt_template: promptTemplate },
  });
}

/** `tool.parameters` is a schema by the specification, and the actual arguments in what many apps write by hand. */
export function readTool(attributes: Attributes, damage: Damage): Reading {
  const schema = toModelTool(objectOf(attributes['tool.json_schema'], damage, 'tool.json_schema'));
  const parameters = plainObject(objectOf(attributes['tool.parameters'], damage, 'tool.parameters'));
  const isSchema = isObject(parameters?.['properties']) || parameters?.['type'] === 'object';
  const result = readValue(attributes, 'output.value', damage);
  const toolCallId = firstString(attributes, 'tool.id', 'tool_call.id') ?? answeredCall(result);
  return defined<Reading>({
    name: firstString(attributes, 'tool.name') ?? schema?.name,
    description: firstString(attributes, 'tool.description') ?? schema?.description,
    toolParameters: schema?.parameters ?? (isSchema ? parameters : undefined),
    inputs: toInputs(readValue(attributes, 'input.value', damage)) ?? (isSchema ? undefined : parameters),
    ...toOutput(result),
    metadata: toolCallId === undefined ? undefined : { tool_call_id: toolCallId },
  });
}

export function readRetrieval(attributes: Attributes, damage: Damage): Reading {
  const [groups = []] = indexedGroups(attributes, ['retrieval.documents.']);
  const chain = readChain(attributes, damage);
  const documents = readDocuments(groups);
  return documents === undefined ? chain : { ...chain, output: JSON.stringify(documents) };
}

export function readRerank(attributes: Attributes, damage: Damage): Reading {
  const lists = ['reranker.input_documents.', 'reranker.output_documents.'];
  const [input = [], output = []] = indexedGroups(attributes, lists);
  const ranking = readDocuments(output);
  const topK = firstCount(attributes, 'reranker.top_k');
  const chain = readChain(attributes, damage);
  const inputs = definedOrNone<Record<string, unknown>>({
    query: firstString(attributes, 'reranker.query'),
    documents: readDocuments(input),
  });
  return defined<Reading>({
    ...chain,
    model: firstString(attributes, 'reranker.model_name'),
    other: topK === undefined ? chain.other : { ...chain.other, top_k: topK },
    inputs: inputs ?? chain.inputs,
    output: ranking === undefined ? chain.output : JSON.stringify(ranking),
  });
}

/** Vectors are left out: they are large and nobody reads them. */
export function readEmbedding(attributes: Attributes, damage: Damage): Reading {
  const [groups = []] = indexedGroups(attributes, ['embedding.embeddings.']);
  const texts = groups.flatMap(({ fields }) => {
    const text = stringOf(fields['embedding.text']);
    return text === undefined || isRedacted(text) ? [] : text;
  });
  const key = 'embedding.invocation_parameters';
  const parameters = objectOf(attributes[key], damage, key) ?? objectOf(attributes['llm.invocation_parameters']) ?? {};
  const { model, input: _input, ...rest } = parameters;
  return defined<Reading>({
    model: stringOf(model) ?? firstString(attributes, 'embedding.model_name', 'llm.model_name'),
    provider: firstString(attributes, 'llm.provider', 'llm.system'),
    other: definedOrNone<Record<string, unknown>>(plainObject(rest) ?? {}),
    inputs: texts.length > 0 ? { input: texts } : toInputs(readValue(attributes, 'input.value', damage)),
    ...readUsage(attributes),
  });
}

function toInputs(value: RawValue): Record<string, unknown> | undefined {
  return value.json === undefined ? inputsOf(value.text) : inputsOf(fromLangChain(value.json));
}

/** Text as it is; of a message of LangChain its text; other serialised objects as plain JSON. */
function toOutput(value: RawValue): Reading {
  if (value.json === undefined || value.isDamaged) return defined<Reading>({ output: value.text });
  if (value.text !== undefined && !/"lc":\s?1\b/.test(value.text)) return { output: value.text };
  const plain = fromLangChain(value.json);
  const inner = resultOf(plain);
  if (!isObject(inner) || typeof inner['role'] !== 'string') return { output: textOrJson(inner) };
  const message = new MessageReader().readOutput(inner)[0];
  return defined<Reading>({
    output: messageText(message),
    outputMessage: message?.role === 'assistant' ? message : undefined,
  });
}

/** LangChain's tool message names the call that it answers. */
function answeredCall(value: RawValue): string | undefined {
  const message = resultOf(fromLangChain(value.json));
  return isObject(message) ? stringOf(message['tool_call_id']) : undefined;
}

/** `{ output }` is how LangChain wraps a tool's result. */
function resultOf(plain: unknown): unknown {
  return isObject(plain) && Object.keys(plain).length === 1 && isObject(plain['output']) ? plain['output'] : plain;
}

function readDocuments(groups: readonly IndexedGroup[]): Record<string, unknown>[] | undefined {
  if (groups.length === 0) return undefined;
  return groups.map(({ fields }) => {
    const content = stringOf(fields['document.content']);
    const metadata = fields['document.metadata'];
    return defined<Record<string, unknown>>({
      id: stringOf(fields['document.id']),
      content: isRedacted(content) ? undefined : content,
      score: numberOf(fields['document.score']),
      metadata: metadata === undefined ? undefined : plainJson(jsonOf(metadata) ?? metadata),
    });
  });
}
