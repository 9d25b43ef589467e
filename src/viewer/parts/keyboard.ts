/** Keys of the whole page, wherever the focus is. */
import { useLayoutEffect, useRef } from 'preact/hooks';

/**
 * Calls the `onKey` of the newest render. These must be layout effects: an effect after the paint runs up to 100 ms
 * after the rows are visible, and a quick reader's keys would reach no handler, or that of an older list.
 */
export function useKeyDown(onKey: (event: KeyboardEvent) => void): void {
  const latest = useRef(onKey);
  useLayoutEffect(() => {
    latest.current = onKey;
  });
  useLayoutEffect(() => {
    const listen = (event: KeyboardEvent) => latest.current(event);
    document.addEventListener('keydown', listen);
    return () => document.removeEventListener('keydown', listen);
  }, []);
}

export function hasModifier(event: KeyboardEvent): boolean {
  return event.metaKey || event.ctrlKey || event.altKey;
}

export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches('input, textarea, select, [contenteditable]');
}
