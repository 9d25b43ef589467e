/** Where the server is, as this browser sees it: a proxy may have put it below a path. */

let root = '';

/** The path of the root without a slash at its end: empty, or `/base`. */
export function serverRoot(): string {
  return root;
}

/** @param script address of the page's script, which the server has at `viewer/assets/` below its root. */
export function setServerRoot(script: string): void {
  root = new URL('../..', script).pathname.replace(/\/+$/, '').replace(/^\/+/, '/');
}
