/**
 * OpenLIT: GenAI conventions with some values made up. `temperature` and `top_p` are 1 where the request named none, the server's
 * address is the provider's whatever was called, and a chat span bears the tool call that the model asked for.
 */
import { type SpanSlice, scopeOf } from '../../otel/span-slice.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import { defined, numberOf } from '../values/attributes.ts';
import { genAi } from './gen-ai/gen-ai.ts';

/** What an API takes where the request says nothing, so that leaving it out changes nothing. */
const FILLER = 1;

export const openLit: Convention = {
  name: 'openlit',
  covers: ['gen-ai'],

  classify(span: SpanSlice): SpanKind | undefined {
    const { attributes } = span;
    const isOwn =
      attributes['telemetry.sdk.name'] === 'openlit' ||
      attributes['gen_ai.sdk.version'] !== undefined ||
      scopeOf(span).name.startsWith('@openlit/') ||
      scopeOf(span).name.startsWith('openlit');
    return isOwn ? genAi.classify(span) : undefined;
  },

  read(span: SpanSlice): Reading {
    const { attributes } = span;
    const isTool = openLit.classify(span) === 'tool';
    const { temperature, topP, metadata, ...reading } = genAi.read(span);
    const { server_address: _address, tool_call_id: toolCallId, ...structure } = metadata ?? {};
    const firstToken = numberOf(attributes['gen_ai.server.time_to_first_token']);
    return defined<Reading>({
      ...reading,
      temperature: temperature === FILLER ? undefined : temperature,
      topP: topP === FILLER ? undefined : topP,
      metadata: defined<Record<string, unknown>>({
        ...structure,
        tool_call_id: isTool ? toolCallId : undefined,
        time_to_first_chunk_ms: firstToken === undefined ? undefined : firstToken * 1000,
      }),
    });
  },
};
