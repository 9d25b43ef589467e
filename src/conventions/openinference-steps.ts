/** OpenInference spans that are no call of a model: tools, chains, retrieval, embeddings. */
import type { Attributes } from '../otel.ts';
import { type Damage, firstCount, firstString, isObject, jsonOf, numberOf, objectOf, stringOf } from './attributes.ts';
import type { Reading } from './convention.ts';
import { type IndexedGroup, indexedGroups } from './indexed-groups.ts';
import { fromLangChain } from './langchain-json.ts';
import { MessageReader, messageText } from './messages.ts';
import { readTemplate, readUsage } from './openinference-call.ts';
import { isRedacted, type RawValue, readValue } from './openinference-messages.ts';
import { toTool } from './openinference-tools.ts';
import { plainJson, plainObject, textOrJson } from './plain-json.ts';

export function readChain(attributes: Attributes, damage: Damage): Reading {
  const name = firstString(attributes, 'agent.name', 'graph.node.name', 'graph.node.id');
  const inputs = inputsOf(readValue(attributes, 'input.value', damage));
  const { promptTemplate, inputs: variables } = readTemplate(attributes, damage);
  const other = { ...(promptTemplate && { prompt_template: promptTemplate }) };
  return {
    ...(name && { name }),
    ...((variables ?? inputs) && { inputs: variables ?? inputs }),
    ...outputOf(readValue(attributes, 'output.value', damage)),
    ...(promptTemplate && { other }),
  };
}

/** `tool.parameters` is a schema by the specification, and the actual arguments in what many apps write by hand. */
export function readTool(attributes: Attributes, damage: Damage): Reading {
  const schema = toTool(objectOf(attributes['tool.json_schema'], damage, 'tool.json_schema'));
  const name = firstString(attributes, 'tool.name') ?? schema?.name;
  const description = firstString(attributes, 'tool.description') ?? schema?.description;
  const parameters = plainObject(objectOf(attributes['tool.parameters'], damage, 'tool.parameters'));
  const isSchema = parameters !== undefined && (isObject(parameters['properties']) || parameters['type'] === 'object');
  const toolParameters = schema?.parameters ?? (isSchema ? parameters : undefined);
  const inputs = inputsOf(readValue(attributes, 'input.value', damage)) ?? (isSchema ? undefined : parameters);
  const result = readValue(attributes, 'output.value', damage);
  const toolCallId = firstString(attributes, 'tool.id', 'tool_call.id') ?? answeredCall(result);
  return {
    ...(name && { name }),
    ...(description && { description }),
    ...(toolParameters && { toolParameters }),
    ...(inputs && { inputs }),
    ...outputOf(result),
    ...(toolCallId && { metadata: { tool_call_id: toolCallId } }),
  };
}

export function readRetrieval(attributes: Attributes, damage: Damage): Reading {
  const [groups = []] = indexedGroups(attributes, ['retrieval.documents.']);
  const chain = readChain(attributes, damage);
  const documents = readDocuments(groups);
  return { ...chain, ...(documents.length > 0 && { output: JSON.stringify(documents) }) };
}

export function readRerank(attributes: Attributes, damage: Damage): Reading {
  const [input = [], output = []] = indexedGroups(attributes, [
    'reranker.input_documents.',
    'reranker.output_documents.',
  ]);
  const query = firstString(attributes, 'reranker.query');
  const documents = readDocuments(input);
  const ranking = readDocuments(output);
  const model = firstString(attributes, 'reranker.model_name');
  const topK = firstCount(attributes, 'reranker.top_k');
  const chain = readChain(attributes, damage);
  const inputs = { ...(query && { query }), ...(documents.length > 0 && { documents }) };
  return {
    ...chain,
    ...(model && { model }),
    ...(topK !== undefined && { other: { ...chain.other, top_k: topK } }),
    ...(Object.keys(inputs).length > 0 && { inputs }),
    ...(ranking.length > 0 && { output: JSON.stringify(ranking) }),
  };
}

/** Vectors are left out: they are large and nobody reads them. */
export function readEmbedding(attributes: Attributes, damage: Damage): Reading {
  const [groups = []] = indexedGroups(attributes, ['embedding.embeddings.']);
  const texts = groups
    .flatMap(({ fields }) => stringOf(fields['embedding.text']) ?? [])
    .filter((text) => !isRedacted(text));
  const inputs = texts.length > 0 ? { input: texts } : inputsOf(readValue(attributes, 'input.value', damage));
  const key = 'embedding.invocation_parameters';
  const parameters = objectOf(attributes[key], damage, key) ?? objectOf(attributes['llm.invocation_parameters']) ?? {};
  const { model: requested, input: _input, ...rest } = parameters;
  const model = stringOf(requested) ?? firstString(attributes, 'embedding.model_name', 'llm.model_name');
  const provider = firstString(attributes, 'llm.provider', 'llm.system');
  const other = plainObject(rest);
  return {
    ...(model && { model }),
    ...(provider && { provider }),
    ...(other && Object.keys(other).length > 0 && { other }),
    ...(inputs && { inputs }),
    ...readUsage(attributes),
  };
}

function inputsOf(value: RawValue): Record<string, unknown> | undefined {
  if (value.json === undefined) return value.text === undefined ? undefined : { input: value.text };
  const plain = plainJson(fromLangChain(value.json));
  return isObject(plain) ? plain : { input: plain };
}

/** Text as it is; of a message of LangChain its text; other serialised objects as plain JSON. */
function outputOf(value: RawValue): Reading {
  if (value.json === undefined || value.isDamaged) return value.text === undefined ? {} : { output: value.text };
  if (value.text !== undefined && !/"lc":\s?1\b/.test(value.text)) return { output: value.text };
  const plain = fromLangChain(value.json);
  const inner =
    isObject(plain) && Object.keys(plain).length === 1 && isObject(plain['output']) ? plain['output'] : plain;
  if (!isObject(inner) || typeof inner['role'] !== 'string') return { output: textOrJson(inner) };
  const message = new MessageReader().readOutput(inner)[0];
  const output = messageText(message);
  return { ...(output !== undefined && { output }), ...(message?.role === 'assistant' && { outputMessage: message }) };
}

/** LangChain's tool message names the call that it answers. */
function answeredCall(value: RawValue): string | undefined {
  const plain = fromLangChain(value.json);
  const message = isObject(plain) && isObject(plain['output']) ? plain['output'] : plain;
  return isObject(message) ? stringOf(message['tool_call_id']) : undefined;
}

function readDocuments(groups: readonly IndexedGroup[]): Record<string, unknown>[] {
  return groups.map(({ fields }) => {
    const id = stringOf(fields['document.id']);
    const content = stringOf(fields['document.content']);
    const score = numberOf(fields['document.score']);
    const metadata = fields['document.metadata'];
    return {
      ...(id && { id }),
      ...(content && !isRedacted(content) && { content }),
      ...(score !== undefined && { score }),
      ...(metadata !== undefined && { metadata: plainJson(jsonOf(metadata) ?? metadata) }),
    };
  });
}
