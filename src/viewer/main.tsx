/** Starts the page: finds the server, applies the theme before anything is drawn, then renders the app. */
import { render } from 'preact';
import { App } from './app.tsx';
import { setServerRoot } from './state/server-root.ts';
import { applyTheme, readTheme } from './state/theme.ts';

setServerRoot(import.meta.url);
applyTheme(readTheme());
render(<App />, document.getElementById('app')!);
