/**
 * OpenLIT: GenAI conventions with some invented values. `temperature` and `top_p` are 1 if the request did not set
 * them, the server's address is the provider's whatever was called, and a chat span has the id of the tool call that
 * the model asked for.
 */
import { type SpanSlice, scopeOf } from '../../otel/span-slice.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import { numberOf, omitUndefined } from '../values/attributes.ts';
import { genAi } from './gen-ai/gen-ai.ts';

/** The default of the APIs too, so leaving it out changes nothing. */
const FILLER = 1;

export const openLit: Convention = {
  name: 'openlit',
  signs: { keys: ['telemetry.sdk.name', 'gen_ai.sdk.version'], scopes: ['@openlit/', 'openlit'] },
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
    return omitUndefined<Reading>({
      ...reading,
      temperature: temperature === FILLER ? undefined : temperature,
      topP: topP === FILLER ? undefined : topP,
      metadata: omitUndefined<Record<string, unknown>>({
        ...structure,
        tool_call_id: isTool ? toolCallId : undefined,
        time_to_first_chunk_ms: firstToken === undefined ? undefined : firstToken * 1000,
      }),
    });
  },
};
