/** Search from everywhere: `/` goes to it, and what is typed is in the address. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { navigate } from './browser.ts';
import { Icon } from './icons.tsx';
import type { ViewLocation } from './view-location.ts';

/** Keys that come closer together are one search. */
const TYPING_MILLIS = 30;

export function SearchBox({ location }: { location: ViewLocation }) {
  const input = useRef<HTMLInputElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const searched = location.page === 'sessions' ? (location.filters.q ?? '') : '';
  const [text, setText] = useState(searched);

  useEffect(() => setText(searched), [searched]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== '/' || event.metaKey || event.ctrlKey || event.altKey || isTyping(event.target)) return;
      event.preventDefault();
      input.current!.select();
      input.current!.focus();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);

  const search = (q: string) => {
    clearTimeout(timer.current);
    const filters = location.page === 'sessions' ? location.filters : {};
    navigate({ page: 'sessions', filters: { ...filters, q: q.trim() } }, { replace: location.page === 'sessions' });
  };
  const onInput = (value: string) => {
    setText(value);
    clearTimeout(timer.current);
    // On a session's page only Enter leaves it.
    if (location.page === 'sessions') timer.current = setTimeout(() => search(value), TYPING_MILLIS);
  };
  return (
    <search class="search-box">
      <Icon name="search" />
      <input
        ref={input}
        type="search"
        value={text}
        placeholder="Search inputs, messages and outputs"
        aria-label="Search inputs, messages and outputs"
        aria-keyshortcuts="/"
        spellcheck={false}
        autocomplete="off"
        maxLength={500}
        onInput={(event) => onInput(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') search(text);
          if (event.key !== 'Escape') return;
          event.stopPropagation();
          if (text === '') input.current!.blur();
          else if (location.page === 'sessions') search('');
          setText('');
        }}
      />
      <kbd aria-hidden="true">/</kbd>
    </search>
  );
}

export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches('input, textarea, select, [contenteditable]');
}
