/**
 * Cloudflare's Agents SDK: spans of the GenAI conventions, with the finish reason, a total and what the app knows of the
 * call under names of its own. A tool that waits for an approval has a span that looks like one of the tool itself.
 */
import type { SpanSlice } from '../../otel/span-slice.ts';
import { toFinishReason } from '../content/messages/finish-reason.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import { fieldsBelow } from '../values/indexed-groups.ts';
import { toPlainObject } from '../values/json/plain-json.ts';
import type { SpanFields } from '../values/span-fields.ts';
import { genAi } from './gen-ai/gen-ai.ts';

const PREFIX = 'cloudflare.agents.';
const OPERATION = `${PREFIX}operation.name`;

export const cloudflareAgents: Convention = {
  name: 'cloudflare-agents',
  title: 'Cloudflare Agents',
  signs: { keys: [OPERATION] },

  classify(span: SpanSlice): SpanKind | undefined {
    const operation = span.attributes[OPERATION];
    if (typeof operation !== 'string') return undefined;
    return operation === 'tool.approval' ? 'plumbing' : genAi.classify(span);
  },

  read(_span: SpanSlice, kind: SpanKind, fields: SpanFields): Reading {
    const { attributes } = fields;
    const reason = kind === 'tool' ? undefined : toFinishReason(attributes[`${PREFIX}response.finish_reason`]);
    const totalTokens = fields.count(`${PREFIX}usage.total_tokens`);
    return {
      // The SDK writes `stop` into a message for what is not known.
      ...(reason !== undefined && { finishReason: reason }),
      metadata: kind === 'model' ? { total_tokens: totalTokens } : {},
      contentMetadata: toPlainObject({
        ...fieldsBelow(attributes, `${PREFIX}metadata.`),
        ...fieldsBelow(attributes, `${PREFIX}runtime_context.`),
      }),
    };
  },
};
