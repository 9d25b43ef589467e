/** Shows the beginning of long content, and a button for the rest, which is not made before it is asked for. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { formatBytes } from './format.ts';

const FOLDED_CHARACTERS = 3_000;

interface FoldProps {
  readonly text: string;
  /** Called with the text, or with its beginning. */
  readonly render: (text: string) => ComponentChildren;
}

export function Fold({ text, render }: FoldProps) {
  const [isOpen, setIsOpen] = useState(false);
  if (text.length <= FOLDED_CHARACTERS) return <>{render(text)}</>;
  return (
    <div>
      {/* The keyboard still reaches what is cut off, which then scrolls into view. */}
      <div class={isOpen ? '' : 'fold'}>{render(isOpen ? text : beginningOf(text))}</div>
      <button type="button" class="unfold" aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
        {isOpen ? 'Fold' : `Show all ${formatBytes(text.length)}`}
      </button>
    </div>
  );
}

/** Ends between two lines where there are any. */
function beginningOf(text: string): string {
  const beginning = text.slice(0, FOLDED_CHARACTERS);
  const end = beginning.lastIndexOf('\n');
  return (end > FOLDED_CHARACTERS / 2 ? beginning.slice(0, end) : beginning).toWellFormed();
}
