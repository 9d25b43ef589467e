/** Shows the beginning of long content, and a button for the rest. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { formatBytes } from './format.ts';

const FOLDED_CHARACTERS = 3_000;

export function Fold({ size, children }: { size: number; children: ComponentChildren }) {
  const [isOpen, setIsOpen] = useState(false);
  if (size <= FOLDED_CHARACTERS) return <>{children}</>;
  return (
    <div>
      {/* The keyboard still reaches what is cut off, which then scrolls into view. */}
      <div class={isOpen ? '' : 'fold'}>{children}</div>
      <button type="button" class="unfold" aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
        {isOpen ? 'Fold' : `Show all ${formatBytes(size)}`}
      </button>
    </div>
  );
}
