/** A log that the reader has set aside, to compare it with one that is looked for meanwhile: in any session. */
import { useLayoutEffect, useState } from 'preact/hooks';

export interface HeldLog {
  readonly id: string;
  readonly name: string;
}

let held: HeldLog | undefined;
const changed = new EventTarget();

export function hold(log: HeldLog | undefined): void {
  held = log;
  changed.dispatchEvent(new Event('change'));
}

export function useHeldLog(): HeldLog | undefined {
  const [log, setLog] = useState(held);
  useLayoutEffect(() => {
    const update = () => setLog(held);
    update();
    changed.addEventListener('change', update);
    return () => changed.removeEventListener('change', update);
  }, []);
  return log;
}
