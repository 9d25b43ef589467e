/**
 * Parts of a request that Langfuse's OpenAI wrapper puts into the metadata of an observation: instructions and tools of
 * the Responses API, and the response format.
 */

import { isObject } from '../../../wire/json.ts';
import { toFinishReason } from '../../content/messages/finish-reason.ts';
import { stringOf, unlessEmpty } from '../../values/attributes.ts';

type Fields = Record<string, unknown>;

export interface WrappedRequest {
  readonly instructions: string | undefined;
  readonly parameters: Fields;
  readonly finishReason: string | undefined;
  /** The rest: metadata that the app attached. */
  metadata: Fields;
}

/** The app may name its spans otherwise; nobody else has an empty response format. */
export function isWrapped(name: string, parameters: Fields | undefined): boolean {
  return name.startsWith('OpenAI.') || parameters?.['response_format'] === '';
}

export function readWrappedRequest(wrapped: boolean, metadata: Fields): WrappedRequest {
  if (!wrapped) return { instructions: undefined, parameters: {}, finishReason: undefined, metadata };
  const { instructions, tools, response_format, reasoning, incomplete_details, ...rest } = metadata;
  const settings = isObject(reasoning) ? unlessEmpty(withoutNulls(reasoning)) : undefined;
  return {
    instructions: stringOf(instructions),
    parameters: {
      ...(Array.isArray(tools) && tools.length > 0 && { tools }),
      ...(isObject(response_format) && { response_format }),
      ...(settings && { reasoning: settings }),
    },
    finishReason: isObject(incomplete_details) ? toFinishReason(incomplete_details['reason']) : undefined,
    metadata: rest,
  };
}

function withoutNulls(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}
