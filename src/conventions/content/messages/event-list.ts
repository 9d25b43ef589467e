/** A list of events in one attribute, one for each message and each choice, as Pydantic AI and Logfire write them. */
import { isObject } from '../../../wire/json.ts';
import { messageText } from '../../../wire/message-text.ts';
import type { Reading } from '../../convention.ts';
import { addTo, firstValue, objectOf } from '../../values/attributes.ts';
import { MessageReader, metadataOfMessages } from './messages.ts';

/** Returns nothing if there are no events. */
export function readEventList(list: readonly unknown[] | undefined): Reading {
  const events = withRoles(list);
  if (events.length === 0) return {};
  const reader = new MessageReader();
  const messages = reader.read(events.filter((event) => !isChoice(event)));
  const [outputMessage] = reader.readOutput(events.filter(isChoice));
  return {
    messages: messages.length > 0 ? messages : undefined,
    outputMessage,
    output: messageText(outputMessage),
    finishReason: reader.finishReason,
    contentMetadata: metadataOfMessages(reader),
  };
}

function isChoice(event: unknown): boolean {
  return isObject(event) && event['event.name'] === 'gen_ai.choice';
}

/** An event without a role has it in its name. A tool's answer names its call in `id`. */
export function withRoles(events: readonly unknown[] | undefined): unknown[] {
  return (events ?? []).map((item) => {
    // The list may be of JSON texts.
    const event = typeof item === 'string' ? (objectOf(item) ?? item) : item;
    if (!isObject(event) || typeof event['event.name'] !== 'string') return event;
    const role = /^gen_ai\.(system|user|assistant|tool)\.message$/.exec(event['event.name'])?.[1];
    return addTo(
      { ...event },
      { role: event['role'] ?? role, tool_call_id: firstValue(event, ['tool_call_id', 'id']) },
    );
  });
}
