/**
 * Listens to events that end the process if nobody listens: signals and uncaught exceptions.
 *
 * The app must not notice the listener. Libraries such as signal-exit count listeners to find out whether they are
 * alone, and then end the process themselves. So this one comes first and is gone while the others run, and it comes
 * back when they have run, or when the last of them is removed, which is what such libraries do before they end it.
 */

/** `hasOthers` is true if the app listens too, and so decides itself whether the process ends. */
export type OnEnding = (hasOthers: boolean, ...args: unknown[]) => void;

type Listener = (...args: unknown[]) => void;

/** Returns a function that stops listening, so that the default action of the events is possible again. */
export function listenForEnding(handlers: Readonly<Record<string, OnEnding>>): () => void {
  const listeners = new Map<string, Listener>();
  const add = (event: string) => {
    const listener = listeners.get(event);
    const present: readonly unknown[] = process.listeners(event as 'SIGTERM');
    if (listener && !present.includes(listener)) process.prependListener(event as 'SIGTERM', listener);
  };
  const addIfAlone = (event: string | symbol, removed: unknown) => {
    const listener = listeners.get(event as string);
    if (listener && removed !== listener && process.listenerCount(event) === 0) add(event as string);
  };
  for (const [event, onEnding] of Object.entries(handlers)) {
    const listener: Listener = (...args) => {
      process.off(event, listener);
      const hasOthers = process.listenerCount(event) > 0;
      // A second signal then ends the process at once, unless the app listens.
      if (hasOthers) queueMicrotask(() => add(event));
      onEnding(hasOthers, ...args);
    };
    listeners.set(event, listener);
    add(event);
  }
  process.on('removeListener', addIfAlone);
  return () => {
    process.off('removeListener', addIfAlone);
    for (const [event, listener] of listeners) process.off(event, listener);
    listeners.clear();
  };
}
