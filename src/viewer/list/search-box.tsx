/** The search, on every page. `/` focuses it, and what is typed goes into the address. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Icon } from '../parts/icons.tsx';
import { hasModifier, isTyping, useKeyDown } from '../parts/keyboard.ts';
import { navigate } from '../state/address.ts';
import type { ViewLocation } from '../state/view-location.ts';

/** Characters typed faster than this are one search. */
const TYPING_MILLIS = 30;

export function SearchBox({ location }: { location: ViewLocation }) {
  const input = useRef<HTMLInputElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const searched = location.page === 'sessions' ? (location.filters.q ?? '') : '';
  const [text, setText] = useState(searched);

  /** What this box itself put into the address. While that is there the text stays: more may have been typed since. */
  const own = useRef(searched);
  useLayoutEffect(() => {
    if (searched === own.current) return;
    own.current = searched;
    clearTimeout(timer.current);
    setText(searched);
  }, [searched]);
  useKeyDown((event) => {
    if (event.key !== '/' || hasModifier(event) || isTyping(event.target)) return;
    event.preventDefault();
    input.current!.select();
    input.current!.focus();
  });

  const search = (text: string) => {
    clearTimeout(timer.current);
    const filters = location.page === 'sessions' ? location.filters : {};
    own.current = text.trim();
    navigate({ page: 'sessions', filters: { ...filters, q: own.current } }, { replace: location.page === 'sessions' });
  };
  const onInput = (value: string) => {
    setText(value);
    clearTimeout(timer.current);
    // On the page of a session only Enter searches, since searching leaves the page.
    if (location.page === 'sessions') timer.current = setTimeout(() => search(value), TYPING_MILLIS);
  };
  return (
    <search class="search-box">
      <Icon name="search" />
      <input
        ref={input}
        type="search"
        value={text}
        placeholder="Search words, ids, user:…, metadata.key:…"
        aria-label="Search words, ids and references"
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
