import { render } from 'preact';
import { App } from './app.tsx';
import { applyTheme, readTheme } from './state/browser.ts';

applyTheme(readTheme());
render(<App />, document.getElementById('app')!);
