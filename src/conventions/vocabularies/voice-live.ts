/**
 * Azure's SDKs for Voice Live: a span for the connection, and one for each event of the realtime protocol that went over it, of
 * which there are many. A response that is done is the model's call; its event has what was said.
 */
import type { SpanSlice } from '../../otel/span-slice.ts';
import { messageText } from '../../wire/message-text.ts';
import { MessageReader, metadataOfMessages } from '../content/messages/messages.ts';
import { toModelTools } from '../content/model-tools.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import { addTo, objectOf } from '../values/attributes.ts';
import type { SpanFields } from '../values/span-fields.ts';
import { genAi } from './gen-ai/gen-ai.ts';

const SYSTEM = 'az.ai.voicelive';
const EVENT_TYPE = 'gen_ai.voice.event_type';
const SESSION = 'gen_ai.voice.session_id';

export const voiceLive: Convention = {
  name: 'voice-live',
  title: 'Azure Voice Live',
  signs: { keys: [EVENT_TYPE, SESSION] },
  covers: ['gen-ai'],

  classify({ attributes }: SpanSlice): SpanKind | undefined {
    if (attributes['gen_ai.system'] !== SYSTEM) return undefined;
    if (attributes['gen_ai.operation.name'] === 'connect') return 'generic';
    return attributes[EVENT_TYPE] === 'response.done' ? 'model' : 'plumbing';
  },

  read(span: SpanSlice, kind: SpanKind, fields: SpanFields): Reading {
    const reading = addTo(genAi.read(span, kind, fields), {
      tools: toModelTools(fields.attributes['gen_ai.request.tools']),
    });
    return kind === 'model' ? addTo(reading, readResponse(span)) : reading;
  },
};

function readResponse(span: SpanSlice): Reading {
  const event = span.events.find(({ name }) => name === 'gen_ai.output.messages');
  const response = objectOf(objectOf(event?.attributes?.['gen_ai.event.content'])?.['response']);
  const reader = new MessageReader();
  const [outputMessage] = response === undefined ? [] : reader.readOutput(response['output']);
  return {
    outputMessage,
    output: messageText(outputMessage),
    finishReason: outputMessage?.tool_calls ? 'tool_calls' : undefined,
    contentMetadata: metadataOfMessages(reader),
  };
}
