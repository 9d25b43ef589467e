/** Starts the page: applies the theme before anything is drawn, then renders the app. */
import { render } from 'preact';
import { App } from './app.tsx';
import { applyTheme, readTheme } from './state/theme.ts';

applyTheme(readTheme());
render(<App />, document.getElementById('app')!);
