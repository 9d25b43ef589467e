/** The answers of the scripted model. They depend only on the request, so that every run is the same. */

export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly { readonly role: string; readonly content?: unknown }[];
  readonly tools?: readonly { readonly function: { readonly name: string; readonly parameters?: unknown } }[];
  readonly stream?: boolean;
  readonly stream_options?: { readonly include_usage?: boolean };
}

export type Answer =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'tool'; readonly name: string; readonly arguments: string }
  | { readonly kind: 'error'; readonly status: number; readonly message: string };

/** A request for this model fails, here with status 429, at a real endpoint with 404. */
export const OVERLOADED_MODEL = 'overloaded-model';

const TEXTS: readonly [about: RegExp, text: string][] = [
  [/poem/i, 'Rails hum under rain,\na window carries the fjord —\nBergen, coat still wet.'],
  [/capital/i, 'Oslo is the capital of Norway. It lies at the head of a long fjord, with forest on its other side.'],
  [/trip|train|travel/i, 'Take the 08:03 from Bergen: it is dry in Oslo tomorrow, and the best views are on the left.'],
  [/archive|research/i, 'The line over the mountains opened in 1909, after fourteen years of work in the snow.'],
];

/** Values of tool parameters, by name. */
const PARAMETERS: Readonly<Record<string, string>> = {
  city: 'Oslo',
  from: 'Bergen',
  to: 'Oslo',
  query: 'railway Bergen Oslo 1909',
};

/** Calls each offered tool once, one per step, and then answers. */
export function answerTo({ model, messages, tools = [] }: ChatRequest): Answer {
  if (model === OVERLOADED_MODEL) {
    return { kind: 'error', status: 429, message: `Rate limit reached for ${model}. Try again in 20 s.` };
  }
  const results = messages.filter(({ role }) => role === 'tool').length;
  const next = tools[results]?.function;
  if (next) return { kind: 'tool', name: next.name, arguments: JSON.stringify(argumentsOf(next.parameters)) };
  const question = textOf(messages.findLast(({ role }) => role === 'user')?.content);
  const text = TEXTS.find(([about]) => about.test(question))?.[1] ?? 'I only know a few answers by heart.';
  return { kind: 'text', text };
}

/** Roughly what a tokenizer would count. */
export function countTokens(value: unknown): number {
  return Math.ceil(JSON.stringify(value).length / 4);
}

function argumentsOf(schema: unknown): Record<string, string> {
  const { properties = {} } = (schema ?? {}) as { properties?: object };
  return Object.fromEntries(Object.keys(properties).map((name) => [name, PARAMETERS[name] ?? name]));
}

function textOf(content: unknown): string {
  return typeof content === 'string' ? content : JSON.stringify(content ?? '');
}
