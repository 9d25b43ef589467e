/** An image that is not in the log. It is not fetched: a click shows where it is. */
import { useState } from 'preact/hooks';
import { toVisibleText } from './format.ts';
import { Icon } from './icons.tsx';

export function RemoteImage({ url, alt }: { url: string; alt: string }) {
  const [isShown, setIsShown] = useState(false);
  const label = alt === '' ? 'Image elsewhere' : `Image elsewhere: ${toVisibleText(alt)}`;
  return (
    <span class="remote-image">
      <button
        type="button"
        class="quiet"
        aria-expanded={isShown}
        onClick={() => setIsShown(!isShown)}
        title="It is not fetched; a click shows its address"
      >
        <Icon name="image" />
        {label}
      </button>
      {isShown && <code dir="ltr">{url.slice(0, 2_000)}</code>}
    </span>
  );
}
