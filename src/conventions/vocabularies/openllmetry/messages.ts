/**
 * Reads `gen_ai.prompt.N.*`, `gen_ai.completion.N.*` and `llm.request.functions.N.*` in one pass over the attributes.
 */

import type { ChatMessage, ModelTool } from '../../../wire/v4.ts';
import { toFinishReason } from '../../content/finish-reason.ts';
import { blocksInText } from '../../content/message-parts.ts';
import { MessageReader, metadataOfMessages } from '../../content/messages.ts';
import { toModelTools } from '../../content/model-tools.ts';
import { stringOf } from '../../values/attributes.ts';
import { groupByIndex, type IndexedGroup } from '../../values/indexed-groups.ts';
import { salvageJson } from '../../values/salvage-json.ts';
import type { SpanFields } from '../../values/span-fields.ts';

export interface IndexedConversation {
  messages: ChatMessage[];
  /** One per choice. */
  answers: ChatMessage[];
  tools: ModelTool[] | undefined;
  contentMetadata: Record<string, unknown>;
  finishReason: string | undefined;
}

const CALLS = ['tool_calls.'] as const;
const PREFIXES = ['gen_ai.prompt.', 'gen_ai.completion.', 'llm.request.functions.'] as const;

export function readIndexedMessages(fields: SpanFields): IndexedConversation {
  const [prompts, completions, functions] = groupByIndex(fields.attributes, PREFIXES) as [
    IndexedGroup[],
    IndexedGroup[],
    IndexedGroup[],
  ];
  const reader = new MessageReader();
  const messages = reader.read(prompts.map((group) => toMessage(fields, group, 'gen_ai.prompt.')));
  const answers = reader.readOutput(completions.map((group) => toMessage(fields, group, 'gen_ai.completion.')));
  return {
    messages,
    answers,
    tools: toModelTools(
      functions.map(({ fields: tool }) => ({ ...tool, parameters: tool['parameters'] ?? tool['arguments'] })),
    ),
    contentMetadata: metadataOfMessages(reader),
    finishReason: toFinishReason(completions[0]?.fields['finish_reason']),
  };
}

function toMessage(span: SpanFields, { index, fields }: IndexedGroup, prefix: string): Record<string, unknown> {
  const role = stringOf(fields['role']) ?? (prefix === 'gen_ai.completion.' ? 'assistant' : 'user');
  const [calls] = groupByIndex(fields, CALLS);
  const content = fields['content'];
  const hasRefusal = stringOf(fields['refusal']) !== undefined && fields['refusal'] !== 'none';
  return {
    role,
    content:
      typeof content === 'string' ? readContent(span, content, role, `${prefix}${index}.content`, calls) : content,
    tool_call_id: fields['tool_call_id'],
    tool_calls: calls?.map(({ fields: call }) => ({
      id: call['id'],
      name: call['name'],
      arguments: call['arguments'],
    })),
    refusal: hasRefusal ? fields['refusal'] : undefined,
  };
}

/**
 * Content blocks are stringified, also an answer without any (`[]`). The JavaScript releases write `null` as the
 * content of a message that only calls tools, and Python's `str` writes `None`.
 */
function readContent(fields: SpanFields, text: string, role: string, key: string, calls: unknown[] = []): unknown {
  if ((text === 'null' || (text === 'None' && calls.length > 0)) && role === 'assistant') return null;
  if (text === '[]' && role === 'assistant') return '';
  const blocks = blocksInText(text);
  if (blocks || !text.startsWith('[{"type":"')) return blocks ?? text;
  const saved = endsWhole(text) ? undefined : salvageJson(text);
  if (saved === undefined) return text;
  fields.truncated.add(key);
  return saved;
}

function endsWhole(text: string): boolean {
  return text.endsWith(']');
}
