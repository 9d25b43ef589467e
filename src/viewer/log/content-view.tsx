/** The content of a log: error, inputs, messages, output. */
import { useState } from 'preact/hooks';
import type { LogResponse } from '../../wire/v4.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { Icon } from '../parts/icons.tsx';
import { JsonView } from '../parts/json-view.tsx';
import { LongText } from '../parts/long-text.tsx';
import { toAnswer, toConversation, toPlainText } from './conversation.ts';
import { Message } from './message.tsx';

/** A longer conversation shows its beginning and its end, and a button for the messages between. */
const SHOWN_AT_START = 3;
const SHOWN_AT_END = 12;

export function ContentView({ log, isRunning }: { log: LogResponse; isRunning: boolean }) {
  const messages = toConversation(log.messages ?? []);
  const answer = toAnswer(log);
  const hasInputs = Object.keys(log.inputs ?? {}).length > 0;
  const hasContent = messages.length > 0 || answer !== undefined || hasInputs || log.error != null;
  return (
    <>
      {log.error != null && <ErrorBlock text={log.error} />}
      {hasInputs && (
        <section>
          <h3>Inputs</h3>
          <Inputs inputs={log.inputs!} />
        </section>
      )}
      {messages.length > 0 && (
        <section>
          <h3>
            Messages <span class="dim">{log.messages!.length}</span>
            <CopyButton text={() => toPlainText(messages)} label="Copy the conversation" />
          </h3>
          <Messages messages={messages} />
        </section>
      )}
      {answer && (
        <section>
          <h3>Output</h3>
          <Message message={answer} isAnswer />
        </section>
      )}
      {isRunning && !answer && (
        <p class="waiting" role="status">
          <span class="spinner" /> Running: no output yet.
        </p>
      )}
      {!hasContent && !isRunning && (
        <p class="dim">
          {log.save === false
            ? 'The content was not kept: this log was sent with save: false.'
            : 'Nothing was captured: no inputs, messages or output.'}
        </p>
      )}
    </>
  );
}

function Messages({ messages }: { messages: ReturnType<typeof toConversation> }) {
  const [showsAll, setShowsAll] = useState(false);
  const hiddenCount = messages.length - SHOWN_AT_START - SHOWN_AT_END;
  if (showsAll || hiddenCount < 3) return messages.map((message, index) => <Message key={index} message={message} />);
  return (
    <>
      {messages.slice(0, SHOWN_AT_START).map((message, index) => (
        <Message key={index} message={message} />
      ))}
      <button type="button" class="unfold" onClick={() => setShowsAll(true)}>
        {hiddenCount} more messages
      </button>
      {messages.slice(-SHOWN_AT_END).map((message, index) => (
        <Message key={index + SHOWN_AT_START + hiddenCount} message={message} />
      ))}
    </>
  );
}

/** Texts as they are, anything else as JSON. */
function Inputs({ inputs }: { inputs: Record<string, unknown> }) {
  return (
    <dl class="inputs">
      {Object.entries(inputs).map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{typeof value === 'string' ? <LongText text={value} /> : <JsonView value={value} />}</dd>
        </div>
      ))}
    </dl>
  );
}

/** The first line says what failed, the others usually where. */
export function ErrorBlock({ text }: { text: string }) {
  const [first = '', ...rest] = text.split('\n');
  return (
    <section class="error-block" aria-label="Error">
      <p>
        <Icon name="error" />
        <strong dir="auto">{first.slice(0, 2_000)}</strong>
        <CopyButton text={text} label="Copy the error" />
      </p>
      {rest.length > 0 && <LongText text={rest.join('\n')} isMono />}
    </section>
  );
}
