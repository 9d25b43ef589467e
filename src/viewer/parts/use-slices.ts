/** Renders many pieces in several tasks, so that the page answers between them. */
import { useEffect, useState } from 'preact/hooks';

const FIRST = 4;
const SLICE = 4;

/** Returns how many of `count` pieces to render: a few at once, then more task by task. */
export function useSlices(count: number): number {
  const [shown, setShown] = useState(FIRST);
  useEffect(() => {
    if (shown >= count) return undefined;
    const timer = setTimeout(() => setShown(shown + SLICE), 0);
    return () => clearTimeout(timer);
  }, [shown, count]);
  return Math.min(shown, count);
}
