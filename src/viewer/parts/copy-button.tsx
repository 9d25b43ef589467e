/** A button that copies a text, and shows that it did. */
import { useEffect, useState } from 'preact/hooks';
import { Icon } from './icons.tsx';

/** `text` may be a function, for texts that take time to make. */
export function CopyButton({ text, label }: { text: string | (() => string); label: string }) {
  const [isCopied, setIsCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return undefined;
    const timer = setTimeout(() => setIsCopied(false), 1_500);
    return () => clearTimeout(timer);
  }, [isCopied]);
  const copy = async () => {
    setIsCopied(await copyText(typeof text === 'function' ? text() : text));
  };
  const name = isCopied ? 'Copied' : label;
  return (
    <button type="button" class="quiet square copy" onClick={() => void copy()} aria-label={name} title={name}>
      <Icon name={isCopied ? 'check' : 'copy'} />
    </button>
  );
}

async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // The clipboard API is missing on a page over plain http from another machine; the old way still works there.
  }
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'hidden';
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand('copy');
  area.remove();
  return isCopied;
}
