/** Stands for an image that is not in the log. The image is not fetched; a click shows its address. */
import { useState } from 'preact/hooks';
import { toVisibleText } from './format.ts';
import { Icon } from './icons.tsx';

export function RemoteImage({ url, alt }: { url: string; alt: string }) {
  const [isShown, setIsShown] = useState(false);
  const label = alt === '' ? 'External image' : `External image: ${toVisibleText(alt)}`;
  return (
    <span class="remote-image">
      <button
        type="button"
        class="quiet"
        aria-expanded={isShown}
        onClick={() => setIsShown(!isShown)}
        title="Not loaded. Click to show its address"
      >
        <Icon name="image" />
        {label}
      </button>
      {isShown && <code dir="ltr">{url.slice(0, 2_000)}</code>}
    </span>
  );
}
