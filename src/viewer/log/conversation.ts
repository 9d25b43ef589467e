/** Chat messages as a conversation, each tool call with its result. Pure; accepts anything that can be stored. */
import type { LogResponse } from '../../wire/v4.ts';
import { isObject, parseIfJson } from './json.ts';

export type ContentPart =
  | { kind: 'text'; text: string }
  | { kind: 'image'; url: string }
  | { kind: 'other'; value: unknown };

export interface ToolCallView {
  readonly name: string;
  readonly arguments: unknown;
  /** Content of the tool message that names this call. */
  readonly result?: ContentPart[];
}

export interface MessageView {
  readonly role: string;
  readonly name?: string;
  readonly parts: ContentPart[];
  readonly calls: ToolCallView[];
}

interface AnyMessage {
  role?: unknown;
  content?: unknown;
  name?: unknown;
  tool_call_id?: unknown;
  tool_calls?: unknown;
  tool_call?: unknown;
}

export function toConversation(messages: readonly unknown[]): MessageView[] {
  const given = messages.filter(isObject) as AnyMessage[];
  const calledIds = new Set(given.flatMap((message) => callsOf(message).map(({ id }) => id)));
  const results = new Map<unknown, AnyMessage>();
  for (const message of given) {
    const id = message.tool_call_id;
    if (message.role === 'tool' && typeof id === 'string' && calledIds.has(id) && !results.has(id))
      results.set(id, message);
  }
  const besideCall = new Set(results.values());
  return given.filter((message) => !besideCall.has(message)).map((message) => toView(message, results));
}

/** Prefers the output message, which can have tool calls, to the text. Returns undefined if there is neither. */
export function toAnswer(log: Pick<LogResponse, 'output' | 'output_message'>): MessageView | undefined {
  if (isObject(log.output_message)) {
    const view = toView(log.output_message, new Map());
    const isEmpty = view.parts.length === 0 && view.calls.length === 0;
    if (!isEmpty || log.output == null) return isEmpty ? undefined : view;
  }
  if (log.output == null) return undefined;
  return { role: 'assistant', parts: [{ kind: 'text', text: log.output }], calls: [] };
}

/** The conversation as plain text, for copying and comparing. */
export function toPlainText(messages: readonly MessageView[]): string {
  return messages
    .map(({ role, parts, calls }) => {
      const lines = parts.map(partText);
      for (const call of calls) {
        lines.push(
          `${call.name}(${typeof call.arguments === 'string' ? call.arguments : JSON.stringify(call.arguments)})`,
        );
        if (call.result) lines.push(`→ ${call.result.map(partText).join('\n')}`);
      }
      return `${role}:\n${lines.join('\n')}`;
    })
    .join('\n\n');
}

function toView(message: AnyMessage, results: ReadonlyMap<unknown, AnyMessage>): MessageView {
  return {
    role: typeof message.role === 'string' ? message.role : 'message',
    ...(typeof message.name === 'string' && { name: message.name }),
    parts: toParts(message.content),
    calls: callsOf(message).map(({ id, name, arguments: given }) => {
      const result = results.get(id);
      return { name, arguments: given, ...(result && { result: toParts(result.content) }) };
    }),
  };
}

function callsOf(message: AnyMessage): { id: unknown; name: string; arguments: unknown }[] {
  const calls: unknown[] = Array.isArray(message.tool_calls) ? message.tool_calls : [];
  const all = isObject(message.tool_call) ? [...calls, { function: message.tool_call }] : calls;
  return all.filter(isObject).map((call) => {
    const named = isObject(call['function']) ? call['function'] : call;
    const given = named['arguments'];
    return {
      id: call['id'],
      name: typeof named['name'] === 'string' ? named['name'] : 'tool',
      arguments: typeof given === 'string' ? parseIfJson(given) : (given ?? ''),
    };
  });
}

function toParts(content: unknown): ContentPart[] {
  if (content === null || content === undefined || content === '') return [];
  if (typeof content === 'string') return [{ kind: 'text', text: content }];
  if (!Array.isArray(content)) return [{ kind: 'other', value: content }];
  return content.map((part): ContentPart => {
    if (isObject(part)) {
      if (typeof part['text'] === 'string') return { kind: 'text', text: part['text'] };
      const image = part['image_url'];
      if (isObject(image) && typeof image['url'] === 'string') return { kind: 'image', url: image['url'] };
    }
    return { kind: 'other', value: part };
  });
}

function partText(part: ContentPart): string {
  if (part.kind === 'text') return part.text;
  if (part.kind === 'other') return JSON.stringify(part.value);
  // A reader cannot see anything in the bytes of an image; type and length are enough to tell two images apart.
  return part.url.startsWith('data:')
    ? `[${part.url.split(/[;,]/, 1)}, ${part.url.length} characters]`
    : `[image ${part.url}]`;
}
