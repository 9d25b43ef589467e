/** Where the page begins: the theme, before anything is drawn, then the app. */
import { render } from 'preact';
import { App } from './app.tsx';
import { applyTheme, readTheme } from './state/theme.ts';

applyTheme(readTheme());
render(<App />, document.getElementById('app')!);
