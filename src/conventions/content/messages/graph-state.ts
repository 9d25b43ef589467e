/** The state of a LangGraph graph, `{ messages }`, as the output of the graph or of one of its steps. */
import { isObject } from '../../../wire/json.ts';
import { messageText } from '../../../wire/message-text.ts';
import { jsonOf } from '../../values/attributes.ts';
import { fromLangChain, isLangChain } from '../parts/langchain-json.ts';
import { toRole } from './message-fields.ts';
import { MessageReader } from './messages.ts';
import { isMessageInOtherSpelling } from './spellings.ts';

/** How a state with messages begins; white space is Python's. */
const STATE = /^\{"messages":\s?\[\{/;

/**
 * Returns what the last message says, if it is the model's and the state is nothing but messages as LangChain serialises
 * them. All else is the app's own data. `isGraphs`: the source says that the state is LangGraph's.
 */
export function textOfState(value: unknown, isGraphs = false): string | undefined {
  const state = typeof value === 'string' ? (STATE.test(value) ? jsonOf(value) : undefined) : value;
  if (!isObject(state) || !Array.isArray(state['messages']) || Object.keys(state).length !== 1) return undefined;
  const { messages } = state;
  if (isGraphs ? !isModels(messages.at(-1)) : !messages.every(isLangChains)) return undefined;
  const [last, ...others] = new MessageReader().readOutput([messages.at(-1)]);
  // A text cannot have the calls beside it.
  if (last?.role !== 'assistant' || last.tool_calls || others.length > 0) return undefined;
  return messageText(last) || undefined;
}

/**
 * Returns the text of a message that LangChain has serialised, with `{ output }` around it or without; any other value in plain
 * form.
 */
export function saidIn(value: unknown): unknown {
  const inner = isObject(value) && Object.keys(value).length === 1 && 'output' in value ? value['output'] : value;
  if (!isLangChain(inner)) return fromLangChain(value);
  const message = fromLangChain(inner);
  if (!isObject(message) || typeof message['role'] !== 'string') return message;
  const [said, ...others] = new MessageReader().readOutput(message);
  // A text cannot have the calls beside it.
  return said?.tool_calls || others.length > 0 ? message : (messageText(said) ?? message);
}

/** A message without a role is the app's own, and the role of a tool's result may be the tool's name. */
function isModels(message: unknown): boolean {
  return isObject(message) && typeof message['role'] === 'string' && toRole(message['role']) === 'assistant';
}

/** LangChain writes all fields of a message, also these, where nothing is in them. The app's own messages may have the same types. */
function isLangChains(message: unknown): boolean {
  if (isLangChain(message)) return true;
  return isMessageInOtherSpelling(message) && isObject(message) && isObject(message['additional_kwargs']);
}
