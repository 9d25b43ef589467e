/** Light or dark, as the system or as the reader chooses. The style sheet reads `data-theme`. */

export type Theme = 'system' | 'light' | 'dark';
const THEME_KEY = 'humanloop-otel theme';

export function readTheme(): Theme {
  try {
    const stored = localStorage.getItem(THEME_KEY);
    return stored === 'light' || stored === 'dark' ? stored : 'system';
  } catch {
    return 'system';
  }
}

export function applyTheme(theme: Theme): void {
  document.documentElement.dataset['theme'] = theme;
  try {
    localStorage.setItem(THEME_KEY, theme);
  } catch {
    // Storage is turned off: the choice lasts as long as the page.
  }
}
