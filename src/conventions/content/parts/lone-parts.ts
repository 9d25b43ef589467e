/** Parts of a message that have no other parts in them. */

import { isObject } from '../../../wire/json.ts';
import { addTranscript, type MessageParts } from './collected-parts.ts';
import { readMedia, toMediaContent } from './media.ts';
import { readProviderItem } from './provider-calls.ts';
import { reasoningTextsOf } from './reasoning-texts.ts';
import { readCallPart } from './tool-parts.ts';

type Fields = Record<string, unknown>;

export function pushProviderItem(part: Fields, into: MessageParts): void {
  const item = readProviderItem(part);
  if (item) into.provider.push(item);
}

export function pushReasoning(part: Fields, into: MessageParts): void {
  for (const text of reasoningTextsOf(part)) into.reasoning.push(text);
}

export function pushCall(part: Fields, into: MessageParts): void {
  const item = readProviderItem(part);
  if (item) into.provider.push(item);
  // Go's langchaingo puts the call below the part's type.
  else into.calls.push(readCallPart(isObject(part['tool_call']) ? part['tool_call'] : part));
}

export function pushNothing(): void {}

export function pushMedia(part: Fields, into: MessageParts, modality?: string): void {
  if (!addTranscript(part, into)) into.content.push(toMediaContent(readMedia(part, modality)));
}
