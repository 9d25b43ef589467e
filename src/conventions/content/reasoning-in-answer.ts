/** Tells whether the body of an answer has reasoning, which sources that copy its texts into keys of their own leave out. */
import { isObject } from '../../wire/json.ts';

type Fields = Record<string, unknown>;

export function holdsReasoning({ choices, candidates, content, output }: Fields): boolean {
  if (Array.isArray(choices)) return isObject(choices[0]) && isThoughtOver(choices[0]['message']);
  if (Array.isArray(content) || Array.isArray(output)) return [content, output].some(hasThought);
  if (isObject(output)) return isObject(output['message']) && hasThought(output['message']['content']);
  const first: unknown = Array.isArray(candidates) ? candidates[0] : undefined;
  return isObject(first) && isObject(first['content']) && hasThought(first['content']['parts']);
}

/** Models that think in the open have a field for it beside the content. */
function isThoughtOver(message: unknown): boolean {
  return isObject(message) && Boolean(message['reasoning_content'] ?? message['reasoning'] ?? message['thinking']);
}

/** Blocks of Anthropic, Bedrock and Gemini, and items of the Responses API. */
function hasThought(blocks: unknown): boolean {
  return Array.isArray(blocks) && blocks.some((block) => isObject(block) && isThought(block));
}

function isThought({ type, thought, reasoningContent }: Fields): boolean {
  return type === 'thinking' || type === 'reasoning' || thought === true || isObject(reasoningContent);
}
