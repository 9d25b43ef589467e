/** The content of a log: error, inputs, messages, output. */
import { useMemo, useState } from 'preact/hooks';
import type { LogResponse } from '../../wire/v4.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { Icon } from '../parts/icons.tsx';
import { JsonView } from '../parts/json-view.tsx';
import { LongText } from '../parts/long-text.tsx';
import { useSlices } from '../parts/use-slices.ts';
import { type MessageView, toAnswer, toConversation, toPlainText } from './conversation.ts';
import { Message } from './message.tsx';

/** A longer conversation shows its beginning and its end, and a button for the messages between. */
const SHOWN_AT_START = 3;
const SHOWN_AT_END = 12;

export function ContentView({ log, isRunning }: { log: LogResponse; isRunning: boolean }) {
  const messages = useMemo(() => toConversation(log.messages ?? []), [log]);
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

function Messages({ messages }: { messages: readonly MessageView[] }) {
  const [showsAll, setShowsAll] = useState(false);
  const [sought, setSought] = useState('');
  const numbered = messages.map((message, number) => ({ message, number }));
  const hiddenCount = messages.length - SHOWN_AT_START - SHOWN_AT_END;
  const isFolded = !showsAll && hiddenCount >= 3;
  const found = useMemo(() => findMessages(messages, sought), [messages, sought]);
  const start = isFolded ? numbered.slice(0, SHOWN_AT_START) : numbered;
  return (
    <>
      {hiddenCount >= 3 && (
        <p class="find-messages">
          <input
            type="search"
            aria-label="Find in the messages"
            placeholder={`Find in ${messages.length} messages`}
            value={sought}
            onInput={(event) => setSought(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key !== 'Escape') return;
              event.stopPropagation();
              setSought('');
            }}
          />
          {found && (
            <span class="dim" role="status">
              {found.size === 1 ? '1 message' : `${found.size} messages`}
            </span>
          )}
        </p>
      )}
      {found ? (
        <MessageList messages={numbered.filter(({ number }) => found.has(number))} />
      ) : (
        <>
          <MessageList messages={start} />
          {isFolded && (
            <>
              <button type="button" class="unfold" onClick={() => setShowsAll(true)}>
                {hiddenCount} more messages
              </button>
              <MessageList messages={numbered.slice(-SHOWN_AT_END)} />
            </>
          )}
        </>
      )}
    </>
  );
}

/** Returns the numbers of the messages that have the text, in any place; `undefined` where nothing is sought. */
function findMessages(messages: readonly MessageView[], text: string): ReadonlySet<number> | undefined {
  const sought = text.trim().toLowerCase();
  if (sought === '') return undefined;
  const has = (message: MessageView) => toPlainText([message]).toLowerCase().includes(sought);
  return new Set(messages.flatMap((message, number) => (has(message) ? [number] : [])));
}

function MessageList({ messages }: { messages: readonly { message: MessageView; number: number }[] }) {
  const shown = useSlices(messages.length);
  return (
    <>
      {messages.slice(0, shown).map(({ message, number }) => (
        <Message key={number} message={message} />
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
