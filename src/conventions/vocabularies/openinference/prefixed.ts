/**
 * Messages whose names have OpenInference's prefixes, in a list or in its JSON, as they were before they were to be flattened:
 * `[{ 'message.role': 'user', 'message.content': 'Hi' }]`.
 */
import type { Attributes } from '../../../otel/span-slice.ts';
import { isObject } from '../../../wire/json.ts';
import { unflatten } from '../../values/nested-keys.ts';

type Fields = Record<string, unknown>;

/** Returns the messages under the names of providers; others as they are. */
export function withoutPrefixes(messages: readonly unknown[]): unknown[] {
  return messages.map((item) => {
    const message = below(item, 'message.');
    if (!message) return item;
    const { tool_calls: calls, contents, ...others } = message;
    return {
      ...others,
      ...(Array.isArray(calls) && { tool_calls: callsIn(calls) }),
      ...(Array.isArray(contents) && { content: contents.map((part) => below(part, 'message_content.') ?? part) }),
    };
  });
}

/** The same for the calls of a message. */
export function callsIn(calls: readonly unknown[]): unknown[] {
  return calls.map((call) => below(call, 'tool_call.') ?? call);
}

function below(item: unknown, prefix: string): Fields | undefined {
  return isObject(item) ? unflatten(item as Attributes, prefix) : undefined;
}
