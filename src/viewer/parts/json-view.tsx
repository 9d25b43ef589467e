/** JSON, indented and folded. Closed branches are not rendered, and long ones open in portions. */
import { useState } from 'preact/hooks';
import { CopyButton } from './copy-button.tsx';
import { Icon } from './icons.tsx';

const OPEN_DEPTH = 2;
/** Objects and lists with more entries start closed, except the outermost. */
const OPEN_ENTRIES = 12;
const PORTION = 100;
const MAX_STRING = 600;
/** A longer list of numbers is an embedding or other data: it starts closed, and opens as one text. */
const MAX_LISTED_NUMBERS = 16;
const MAX_SHOWN_NUMBERS = 2_000;

export function JsonView({ value }: { value: unknown }) {
  return (
    <div class="json mono">
      <JsonValue value={value} depth={0} />
      <CopyButton text={() => JSON.stringify(value, null, 2)} label="Copy as JSON" />
    </div>
  );
}

function JsonValue({ value, depth, name }: { value: unknown; depth: number; name?: string }) {
  const label = name !== undefined && (
    <span class="json-key">
      <bdi>{name}</bdi>:{' '}
    </span>
  );
  if (typeof value === 'object' && value !== null) return <JsonBranch value={value} depth={depth} label={label} />;
  if (typeof value === 'string')
    return (
      <div class="json-line">
        {label}
        <JsonString text={value} />
      </div>
    );
  return (
    <div class="json-line">
      {label}
      <span class="json-atom">{String(value)}</span>
    </div>
  );
}

function JsonBranch({ value, depth, label }: { value: object; depth: number; label: preact.ComponentChildren }) {
  if (isVector(value)) return <JsonVector numbers={value} label={label} />;
  return <JsonEntries value={value} depth={depth} label={label} />;
}

function isVector(value: object): value is readonly number[] {
  return Array.isArray(value) && value.length > MAX_LISTED_NUMBERS && value.every((item) => typeof item === 'number');
}

function JsonVector({ numbers, label }: { numbers: readonly number[]; label: preact.ComponentChildren }) {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <div class="json-branch">
      <button type="button" class="json-toggle" aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
        <Icon name="chevron" class={isOpen ? 'chevron is-open' : 'chevron'} />
        {label}
        <span class="dim">[{numbers.length.toLocaleString('en')} numbers]</span>
      </button>
      {isOpen && (
        <div class="json-children json-atom">
          {numbers.slice(0, MAX_SHOWN_NUMBERS).join(', ')}
          {numbers.length > MAX_SHOWN_NUMBERS && ' …'}
        </div>
      )}
    </div>
  );
}

function JsonEntries({ value, depth, label }: { value: object; depth: number; label: preact.ComponentChildren }) {
  const isArray = Array.isArray(value);
  const entries: [string, unknown][] = Object.entries(value);
  const [isOpen, setIsOpen] = useState(depth === 0 || (depth < OPEN_DEPTH && entries.length <= OPEN_ENTRIES));
  const [shown, setShown] = useState(PORTION);
  if (entries.length === 0)
    return (
      <div class="json-line">
        {label}
        <span class="dim">{isArray ? '[]' : '{}'}</span>
      </div>
    );
  const size = `${entries.length} ${isArray ? (entries.length === 1 ? 'item' : 'items') : entries.length === 1 ? 'field' : 'fields'}`;
  return (
    <div class="json-branch">
      <button type="button" class="json-toggle" aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
        <Icon name="chevron" class={isOpen ? 'chevron is-open' : 'chevron'} />
        {label}
        <span class="dim">{isArray ? `[${size}]` : `{${size}}`}</span>
      </button>
      {isOpen && (
        <div class="json-children">
          {entries.slice(0, shown).map(([key, item]) => (
            <JsonValue key={key} name={key} value={item} depth={depth + 1} />
          ))}
          {entries.length > shown && (
            <button type="button" class="unfold" onClick={() => setShown(shown + PORTION)}>
              {entries.length - shown} more
            </button>
          )}
        </div>
      )}
    </div>
  );
}

function JsonString({ text }: { text: string }) {
  const [isOpen, setIsOpen] = useState(false);
  const isLong = text.length > MAX_STRING;
  // An opened text is cut where the browser would take long to draw it; the copy button has all of it.
  const shown = isLong ? text.slice(0, isOpen ? 200_000 : MAX_STRING).toWellFormed() : text;
  return (
    <>
      <span class="json-string" dir="auto">
        {shown}
      </span>
      {isLong && (
        <button type="button" class="unfold" onClick={() => setIsOpen(!isOpen)}>
          {isOpen ? 'Fold' : `… ${text.length.toLocaleString('en')} characters`}
        </button>
      )}
    </>
  );
}
