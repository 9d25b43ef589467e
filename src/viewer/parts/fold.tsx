/** Long content behind a button: its beginning is enough to know what it is. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { formatBytes } from './format.ts';

const FOLDED_CHARACTERS = 3_000;

export function Fold({ size, children }: { size: number; children: ComponentChildren }) {
  const [isOpen, setIsOpen] = useState(false);
  if (size <= FOLDED_CHARACTERS) return <>{children}</>;
  return (
    <div>
      {/* What is cut off can still be reached by the keyboard, and comes into view then. */}
      <div class={isOpen ? '' : 'fold'}>{children}</div>
      <button type="button" class="unfold" aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
        {isOpen ? 'Fold' : `Show all ${formatBytes(size)}`}
      </button>
    </div>
  );
}
