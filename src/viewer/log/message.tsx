/** One message: role, text, images, and each tool call beside its result. */
import { useState } from 'preact/hooks';
import { CopyButton } from '../parts/copy-button.tsx';
import { Fold } from '../parts/fold.tsx';
import { toVisibleText } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { JsonView } from '../parts/json-view.tsx';
import { LongText } from '../parts/long-text.tsx';
import { RemoteImage } from '../parts/remote-image.tsx';
import { type ContentPart, type MessageView, toPlainText } from './conversation.ts';
import { parseIfJson } from './json.ts';
import { Markdown } from './markdown.tsx';

const ROLES: ReadonlySet<string> = new Set(['user', 'assistant', 'system', 'tool']);
/** Longer texts are shown as plain text. */
const MAX_MARKDOWN_CHARACTERS = 20_000;

export function Message({ message, isAnswer = false }: { message: MessageView; isAnswer?: boolean }) {
  const [isSource, setIsSource] = useState(false);
  const role = ROLES.has(message.role) ? message.role : 'other';
  const hasMarkdown = message.parts.some((part) => part.kind === 'text' && part.text.length <= MAX_MARKDOWN_CHARACTERS);
  return (
    <div class={`message role-${role}${isAnswer ? ' is-answer' : ''}`}>
      <div class="message-head">
        <span class="role">{toVisibleText(message.role)}</span>
        {message.name && (
          <span class="dim">
            <bdi>{toVisibleText(message.name)}</bdi>
          </span>
        )}
        <span class="message-buttons">
          {hasMarkdown && (
            <button type="button" class="quiet small" aria-pressed={isSource} onClick={() => setIsSource(!isSource)}>
              Source
            </button>
          )}
          <CopyButton text={() => copyText(message)} label="Copy the message" />
        </span>
      </div>
      {message.parts.map((part, index) => (
        <Part key={index} part={part} isSource={isSource} />
      ))}
      {message.calls.map((call, index) => (
        <div key={index} class="tool-call">
          <div class="tool-side">
            <p class="tool-name">
              <Icon name="tool" class="type-tool" />
              <bdi>{toVisibleText(call.name)}</bdi>
            </p>
            {typeof call.arguments === 'string' ? (
              <LongText text={call.arguments} isMono />
            ) : (
              <JsonView value={call.arguments} />
            )}
          </div>
          {call.result && (
            <div class="tool-side">
              <p class="tool-name dim">result</p>
              {call.result.map((part, at) => (
                <Part key={at} part={part} isSource={false} />
              ))}
            </div>
          )}
        </div>
      ))}
      {message.parts.length === 0 && message.calls.length === 0 && <p class="dim">(empty)</p>}
    </div>
  );
}

function Part({ part, isSource }: { part: ContentPart; isSource: boolean }) {
  if (part.kind === 'image') return <ImagePart url={part.url} />;
  if (part.kind === 'other') return <JsonView value={part.value} />;
  if (isSource) return <LongText text={part.text} isMono />;
  const json = parseIfJson(part.text);
  if (typeof json !== 'string') return <JsonView value={json} />;
  if (part.text.length > MAX_MARKDOWN_CHARACTERS) return <LongText text={part.text} />;
  return <Fold text={part.text} render={(text) => <Markdown text={text} />} />;
}

/** Shows an image that is in the log itself. Fetching any other would tell its server who reads what, and when. */
function ImagePart({ url }: { url: string }) {
  if (/^data:image\/(png|jpe?g|gif|webp|avif|bmp|svg\+xml)[;,]/i.test(url)) {
    return <img class="part-image" src={url} alt="in the message" loading="lazy" />;
  }
  return <RemoteImage url={url} alt="" />;
}

/** Returns the bare text of a message that is nothing else. */
function copyText(message: MessageView): string {
  const [only] = message.parts;
  return message.parts.length === 1 && message.calls.length === 0 && only?.kind === 'text'
    ? only.text
    : toPlainText([message]);
}
