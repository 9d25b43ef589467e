/** The keys of the viewer, shown by `?`. */
import { Dialog } from './dialog.tsx';

const KEYS: readonly (readonly [keys: readonly string[], what: string])[] = [
  [['/'], 'search'],
  [['j', '↓'], 'next row'],
  [['k', '↑'], 'row before'],
  [['Enter'], 'open the session; open or close a turn'],
  [['→', '←'], 'open and close what is below a log'],
  [['Home', 'End'], 'first and last row'],
  [['n'], 'next error of the session'],
  [['s'], 'slowest log of the session, then the next slowest'],
  [['Esc'], 'close the log, then go back to the list'],
  [['?'], 'these keys'],
];

export function KeyHelp({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Shortcuts" onClose={onClose}>
      <dl class="key-list">
        {KEYS.map(([keys, what]) => (
          <div key={what}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <p class="row-end">
        <button type="button" class="primary" onClick={onClose}>
          Close
        </button>
      </p>
    </Dialog>
  );
}
