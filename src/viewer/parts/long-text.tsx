/** Plain text. A long text is folded and opens in portions, since browsers are slow with megabytes in one element. */
import { useState } from 'preact/hooks';
import { formatBytes } from './format.ts';

const FOLDED_CHARACTERS = 2_500;
const PORTION_CHARACTERS = 200_000;

export function LongText({ text, isMono = false }: { text: string; isMono?: boolean }) {
  const [shown, setShown] = useState(FOLDED_CHARACTERS);
  const isCut = text.length > shown * 1.2;
  return (
    <div class={isMono ? 'long-text mono' : 'long-text'}>
      <pre dir="auto">{isCut ? text.slice(0, shown).toWellFormed() : text}</pre>
      {isCut && (
        <button type="button" class="unfold" onClick={() => setShown(shown + PORTION_CHARACTERS)}>
          Show {text.length - shown > PORTION_CHARACTERS ? `${formatBytes(PORTION_CHARACTERS)} more` : 'the rest'}, of{' '}
          {formatBytes(text.length)}
        </button>
      )}
      {!isCut && text.length > FOLDED_CHARACTERS * 1.2 && (
        <button type="button" class="unfold" onClick={() => setShown(FOLDED_CHARACTERS)}>
          Fold
        </button>
      )}
    </div>
  );
}
