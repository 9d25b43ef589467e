/** Keys that are the page's, wherever the focus is. */
import { useLayoutEffect, useRef } from 'preact/hooks';

/**
 * Calls the `onKey` of the newest render. In layout effects: what is set up after the paint comes up to 100 ms after
 * the rows can be seen, and the keys of a quick reader would meet nothing, or the handler of an older list.
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
