/** The frame of every page: the header, below it the page for the address, or the form for the API key. */
import { useEffect, useState } from 'preact/hooks';
import { SearchBox } from './list/search-box.tsx';
import { SessionsPage } from './list/sessions-page.tsx';
import { OverviewPage } from './overview/overview-page.tsx';
import { Icon } from './parts/icons.tsx';
import { KeyForm } from './parts/key-form.tsx';
import { KeyHelp } from './parts/key-help.tsx';
import { hasModifier, isTyping, useKeyDown } from './parts/keyboard.ts';
import { LogOutButton } from './parts/log-out.tsx';
import { SessionPage } from './session/session-page.tsx';
import { addressOf, followInPage, useViewLocation } from './state/address.ts';
import { onKeyWanted } from './state/api.ts';
import { ChangeStream } from './state/changes.ts';
import { applyTheme, readTheme, type Theme } from './state/theme.ts';
import type { ViewLocation } from './state/view-location.ts';

const HOME: ViewLocation = { page: 'sessions', filters: {} };

export function App() {
  const location = useViewLocation();
  const [wantsKey, setWantsKey] = useState(false);
  const [isLive, setIsLive] = useState(false);
  const [showsKeys, setShowsKeys] = useState(false);
  const [changes] = useState(() => new ChangeStream());

  useEffect(() => onKeyWanted(() => setWantsKey(true)), []);
  useEffect(() => (wantsKey ? undefined : changes.open(setIsLive)), [changes, wantsKey]);

  useKeyDown((event) => {
    if (event.key !== '?' || hasModifier(event) || isTyping(event.target)) return;
    event.preventDefault();
    setShowsKeys(true);
  });

  return (
    <>
      <header class="top">
        <a class="brand" href={addressOf(HOME)} onClick={(event) => followInPage(event, HOME)}>
          <svg viewBox="0 0 16 16" width="18" height="18" aria-hidden="true">
            <path d="M3 2v12M3 5h7M3 11h10" />
          </svg>
          <span>humanloop-otel</span>
        </a>
        <nav class="pages" aria-label="Pages">
          <PageLink to={{ page: 'sessions', filters: {} }} name="Sessions" isHere={location.page !== 'overview'} />
          <PageLink to={{ page: 'overview' }} name="Overview" isHere={location.page === 'overview'} />
        </nav>
        <SearchBox location={location} />
        <span class={isLive ? 'live is-live' : 'live'} role="status">
          <span class="dot" />
          <span class="live-text">{isLive ? 'Live' : 'Offline'}</span>
        </span>
        {!wantsKey && <LogOutButton />}
        <button
          type="button"
          class="quiet square keys-button"
          onClick={() => setShowsKeys(true)}
          aria-label="Shortcuts"
          aria-keyshortcuts="?"
          title="Shortcuts (?)"
        >
          ?
        </button>
        <ThemeButton />
      </header>
      {wantsKey ? (
        <KeyForm onDone={() => setWantsKey(false)} />
      ) : location.page === 'sessions' ? (
        <SessionsPage filters={location.filters} subscribe={changes.subscribe} />
      ) : location.page === 'overview' ? (
        <OverviewPage location={location} subscribe={changes.subscribe} />
      ) : (
        <SessionPage key={location.session} location={location} subscribe={changes.subscribe} />
      )}
      {showsKeys && <KeyHelp onClose={() => setShowsKeys(false)} />}
    </>
  );
}

function PageLink({ to, name, isHere }: { to: ViewLocation; name: string; isHere: boolean }) {
  return (
    <a
      href={addressOf(to)}
      {...(isHere && { 'aria-current': 'page' as const })}
      onClick={(event) => followInPage(event, to)}
    >
      {name}
    </a>
  );
}

const NEXT: Record<Theme, Theme> = { system: 'light', light: 'dark', dark: 'system' };
const THEME_ICONS = { system: 'system', light: 'sun', dark: 'moon' } as const;

function ThemeButton() {
  const [theme, setTheme] = useState(readTheme);
  const change = () => {
    applyTheme(NEXT[theme]);
    setTheme(NEXT[theme]);
  };
  const label = `Colours: ${theme}. Change to ${NEXT[theme]}`;
  return (
    <button type="button" class="quiet square" onClick={change} aria-label={label} title={label}>
      <Icon name={THEME_ICONS[theme]} />
    </button>
  );
}
