/**
 * Spring AI (Java): the spans of its framework, which `spring.ai.kind` marks. Its model calls are plain GenAI spans, with
 * every value as text, as Micrometer keeps it.
 *
 * An advisor wraps the call that it advises, and the inner advisors with it: that is plumbing.
 */
import type { SpanSlice } from '../../otel/span-slice.ts';
import { inputsAt, inputsOf } from '../content/inputs.ts';
import { toSchema } from '../content/model-tools.ts';
import { readError } from '../content/read-error.ts';
import { readVectorSearch } from '../content/vector-search.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import { unlessEmpty } from '../values/attributes.ts';
import { toOptionalText } from '../values/json/plain-json.ts';
import type { SpanFields } from '../values/span-fields.ts';

const KINDS: ReadonlyMap<unknown, SpanKind> = new Map([
  ['chat_client', 'generic'],
  ['advisor', 'plumbing'],
  ['tool_call', 'tool'],
  ['vector_store', 'generic'],
]);

/** The graphs of Spring AI Alibaba. */
const NODE = 'spring.ai.alibaba.graph.node.name';
const GRAPH = 'spring.ai.alibaba.graph.name';
const EDGE = 'spring.ai.alibaba.graph.edge.name';

export const springAi: Convention = {
  name: 'spring-ai',
  title: 'Spring AI (Java)',
  context: { session: ['spring.ai.chat.client.conversation.id'] },
  signs: { keys: ['spring.ai.kind', NODE, GRAPH, EDGE] },

  classify({ attributes }: SpanSlice): SpanKind | undefined {
    const kind = attributes['spring.ai.kind'];
    if (kind === undefined) return kindInGraph(attributes);
    return KINDS.get(kind) ?? 'generic';
  },

  read(span: SpanSlice, kind: SpanKind, fields: SpanFields): Reading {
    const inGraph = kindInGraph(fields.attributes) !== undefined;
    const reading = kind === 'tool' ? readToolCall(fields) : inGraph ? readNode(fields) : readStep(fields);
    reading.error = readError(span);
    return reading;
  },
};

function kindInGraph(attributes: SpanSlice['attributes']): SpanKind | undefined {
  if (attributes[NODE] !== undefined || attributes[GRAPH] !== undefined) return 'generic';
  return attributes[EDGE] === undefined ? undefined : 'plumbing';
}

/** The state of the graph, before and after. */
function readNode(fields: SpanFields): Reading {
  return {
    name: fields.firstName(NODE, GRAPH),
    inputs: inputsOf(fields.string('gen_ai.prompt')),
    output: fields.string('gen_ai.completion'),
  };
}

function readToolCall(fields: SpanFields): Reading {
  return {
    name: fields.firstName('spring.ai.tool.definition.name'),
    description: fields.string('spring.ai.tool.definition.description'),
    toolParameters: toSchema(fields.json('spring.ai.tool.definition.schema')),
    inputs: inputsAt(fields, fields.firstKey('spring.ai.tool.call.arguments')),
    output: toOptionalText(fields.attributes['spring.ai.tool.call.result']),
    other: { tool_type: fields.firstName('spring.ai.tool.type') },
    metadata: { tool_call_id: fields.firstName('spring.ai.tool.call.id') },
  };
}

/** The speakers that Spring AI has, and the messages of all of them. */
const PROMPT_KEYS: ReadonlySet<string> = new Set(['user', 'system', 'assistant', 'tool', 'messages']);

/**
 * Reads a map as Spring AI prints it: `["user":"Hi", "system":"Be brief"]`. Its texts are not escaped: what looks like an entry
 * may be the words of another one, so it returns undefined if one has a name that is not
 * among `keys`, or was there before.
 */
function readEntries(text: string | undefined, keys?: ReadonlySet<string>): Reading['inputs'] {
  if (!text?.startsWith('["') || !text.endsWith('"]')) return undefined;
  const entries = text
    .slice(2, -2)
    .split(/", "(?=\w+":")/)
    .map((entry): [string, string] => {
      const [name = '', value = ''] = entry.split(/":"([\s\S]*)/);
      return [name, value];
    });
  const names = new Set(entries.map(([name]) => name));
  const isMap = names.size === entries.length && entries.every(([name]) => keys === undefined || keys.has(name));
  return isMap ? Object.fromEntries(entries) : undefined;
}

function readStep(fields: SpanFields): Reading {
  const search = readVectorSearch(fields);
  return {
    ...search,
    inputs: search.inputs ?? readEntries(fields.string('gen_ai.prompt'), PROMPT_KEYS) ?? readTemplates(fields),
  };
}

const CLIENT = 'spring.ai.chat.client.';

/** The first releases wrote the templates of the system and the user, and what was put into them. */
function readTemplates(fields: SpanFields): Reading['inputs'] {
  return unlessEmpty({
    system: fields.string(`${CLIENT}system.text`),
    system_params: readEntries(fields.string(`${CLIENT}system.params`)),
    user: fields.string(`${CLIENT}user.text`),
    user_params: readEntries(fields.string(`${CLIENT}user.params`)),
  });
}
