/** Answers of Spring AI and LangChain4j are read alike as JSON and as Java prints them, in each place. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PLACES } from '../answer-places.ts';
import { read } from '../span.ts';

interface Said {
  readonly text: string;
  readonly reason: string;
}

type SaidOrNot = Omit<Said, 'text'> & { readonly text: string | null };

const CALL = { id: 'c1', name: 'look', arguments: '{"at":"yard"}' };
const SPRINGS_CALL = { id: 'c1', type: 'function', name: 'look', arguments: '{"at":"yard"}' };
const PRINTED_CALL = 'ToolExecutionRequest { id = "c1", name = "look", arguments = "{"at":"yard"}" }';
const SPRINGS_PRINTED_CALL = 'ToolCall[id=c1, type=function, name=look, arguments={"at":"yard"}]';

function springs({ text, reason }: SaidOrNot, toolCalls: unknown[] = []) {
  const about = { finishReason: reason, refusal: '', index: 0, id: 'x', role: 'ASSISTANT', messageType: 'ASSISTANT' };
  const output = { messageType: 'ASSISTANT', metadata: about, toolCalls, media: [], text };
  const result = { output, metadata: { finishReason: reason, contentFilters: [], empty: true } };
  const usage = { promptTokens: 5, completionTokens: 2, totalTokens: 7, nativeUsage: { prompt_tokens: 5 } };
  return { result, metadata: { id: 'x', model: 'm', usage, promptMetadata: [], empty: false }, results: [result] };
}

function springsPrinted({ text, reason }: SaidOrNot, calls = '') {
  const message = `AssistantMessage [messageType=ASSISTANT, toolCalls=[${calls}], textContent=${text}, metadata={finishReason=${reason}, id=x}]`;
  const generation = `Generation[assistantMessage=${message}, chatGenerationMetadata=DefaultChatGenerationMetadata[finishReason='${reason}', filters=0, metadata=0]]`;
  const usage = 'DefaultUsage{promptTokens=5, completionTokens=2, totalTokens=7}';
  return `ChatResponse [metadata={ id: x, usage: ${usage}, rateLimit: a.b.EmptyRateLimit@0 }, generations=[${generation}]]`;
}

const TOKENS = { inputTokenCount: 5, outputTokenCount: 2, totalTokenCount: 7 };
const PRINTED_TOKENS = 'TokenUsage { inputTokenCount = 5, outputTokenCount = 2, totalTokenCount = 7 }';

function langChain4js({ text, reason }: Said, toolExecutionRequests: unknown[] = []) {
  const metadata = { id: 'x', modelName: 'm', tokenUsage: TOKENS, finishReason: reason };
  return { aiMessage: { text: text || null, toolExecutionRequests }, metadata };
}

function langChain4jsPrinted({ text, reason }: Said, calls = '') {
  const message = `AiMessage { text = ${text ? `"${text}"` : 'null'}, thinking = null, toolExecutionRequests = [${calls}], attributes = {} }`;
  const metadata = `OpenAiChatResponseMetadata{id='x', modelName='m', tokenUsage=OpenAi${PRINTED_TOKENS}, finishReason=${reason}, created=1}`;
  return `ChatResponse { aiMessage = ${message}, metadata = ${metadata} }`;
}

const response = ({ text, reason }: Said) => ({
  content: { text, toolExecutionRequests: null },
  tokenUsage: TOKENS,
  finishReason: reason,
  metadata: {},
});
const responsePrinted = ({ text, reason }: Said) =>
  `Response { content = AiMessage { text = "${text}" toolExecutionRequests = null }, tokenUsage = ${PRINTED_TOKENS}, finishReason = ${reason}, metadata = {} }`;

const ANSWERS: Readonly<Record<string, (said: Said) => unknown>> = {
  "Spring AI's": springs,
  "Spring AI's, printed": springsPrinted,
  "LangChain4j's": langChain4js,
  "LangChain4j's, printed": langChain4jsPrinted,
  "LangChain4j's before that": response,
  "LangChain4j's before that, printed": responsePrinted,
};

const written = (answer: unknown) => (typeof answer === 'string' ? answer : JSON.stringify(answer));

describe.each(Object.entries(PLACES))('%s', (_place, attributesOf) => {
  test.each(Object.entries(ANSWERS))('%s', (_name, answerOf) => {
    const reading = read(attributesOf(written(answerOf({ text: 'Snow, "so" cold.', reason: 'LENGTH' }))));
    const { output, finishReason, promptTokens, outputTokens } = reading;
    expect([output, finishReason, promptTokens, outputTokens]).toEqual(['Snow, "so" cold.', 'length', 5, 2]);
  });

  test.each<[string, unknown]>([
    ["Spring AI's", springs({ text: '', reason: 'TOOL_CALLS' }, [SPRINGS_CALL])],
    ["Spring AI's, printed", springsPrinted({ text: '', reason: 'TOOL_CALLS' }, SPRINGS_PRINTED_CALL)],
    ["Spring AI's without a text", springs({ text: null, reason: 'TOOL_CALLS' }, [SPRINGS_CALL])],
    ["Spring AI's without a text, printed", springsPrinted({ text: null, reason: 'TOOL_CALLS' }, SPRINGS_PRINTED_CALL)],
    ["LangChain4j's", langChain4js({ text: '', reason: 'TOOL_EXECUTION' }, [CALL])],
    ["LangChain4j's, printed", langChain4jsPrinted({ text: '', reason: 'TOOL_EXECUTION' }, PRINTED_CALL)],
  ])('%s, with a call', (_name, answer) => {
    const { outputMessage, finishReason, output } = read(attributesOf(written(answer)));
    const { id, ...called } = CALL;
    expect(outputMessage?.tool_calls).toEqual([{ id, type: 'function', function: called }]);
    expect([finishReason, output]).toEqual(['tool_calls', undefined]);
  });

  test.each<[string, unknown]>([
    ["one of Spring AI's results", springs({ text: 'Snow.', reason: 'STOP' }).result],
    ["a list of Spring AI's results", springs({ text: 'Snow.', reason: 'STOP' }).results],
    ["Spring AI's message", springs({ text: 'Snow.', reason: 'STOP' }).result.output],
  ])('%s', (_name, answer) => {
    const { output, finishReason } = read(attributesOf(written(answer)));
    expect([output, finishReason]).toEqual(['Snow.', 'stop']);
  });
});

test.each(Object.entries(ANSWERS))('%s, with any text', (_name, answerOf) => {
  // A text that ends like the object around it cannot be told from that.
  const texts = fc
    .string({ minLength: 1, unit: 'grapheme' })
    .filter((text) => !/[[\]{}=]/.test(text) && !/^null$/.test(text));
  fc.assert(
    fc.property(texts, (text) => {
      const attributes = {
        'gen_ai.operation.name': 'chat',
        'gen_ai.completion': written(answerOf({ text, reason: 'STOP' })),
      };
      expect(read(attributes).output).toBe(text);
    }),
  );
});

test.each([
  'ChatResponse [metadata= is how it begins',
  'AiMessage { text = "Hi" is how LangChain4j prints it',
  JSON.stringify({ results: [{ output: { text: 'a' } }], metadata: {} }),
  JSON.stringify({ content: { text: 'a' }, tokenUsage: 3 }),
])('words and data that are none of these stay as they are: %s', (text) => {
  expect(read({ 'gen_ai.operation.name': 'chat', 'gen_ai.completion': text }).output).toBe(text);
});

test('words about thinking are words', () => {
  const printed = langChain4jsPrinted({ text: 'It says "a", thinking = "b" and " thinking = c', reason: 'STOP' });
  const { output } = read({ 'gen_ai.operation.name': 'chat', 'gen_ai.completion': printed });
  expect(output).toBe('It says "a", thinking = "b" and " thinking = c');
});

const completed = (completion: string) => read({ 'gen_ai.operation.name': 'chat', 'gen_ai.completion': completion });

test("words about LangChain4j's messages are words in Spring AI's", () => {
  const said = 'It prints AiMessage { text = "Hi" }';
  expect(completed(springsPrinted({ text: said, reason: 'STOP' })).output).toBe(said);
});

test.each([
  springsPrinted({ text: 'Hi', reason: 'STOP' }, SPRINGS_PRINTED_CALL.replace('yard', '], textContent=')),
  langChain4jsPrinted({ text: 'Hi', reason: 'STOP' }, PRINTED_CALL.replace('yard', 'toolExecutionRequests = x')),
])('no call is lost whose end cannot be told: %s', (printed) => {
  const { output, outputMessage } = completed(printed);
  expect([output, outputMessage?.tool_calls]).toEqual([printed, undefined]);
});
