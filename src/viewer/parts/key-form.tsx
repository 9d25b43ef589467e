/** Asks for the API key. The server answers with a cookie that scripts cannot read; the page does not keep the key. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { logIn } from '../state/api.ts';

export function KeyForm({ onDone }: { onDone: () => void }) {
  const [problem, setProblem] = useState('');
  const [isBusy, setIsBusy] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => input.current!.focus(), []);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    setIsBusy(true);
    try {
      await logIn(String(new FormData(event.target as HTMLFormElement).get('key')));
      onDone();
    } catch (error) {
      setProblem((error as Error).message);
      setIsBusy(false);
    }
  };
  return (
    <main class="centred">
      <form class="card key-form" onSubmit={submit}>
        <h1>API key</h1>
        <p>This server needs its API key: the one it was started with, which the exporter sends too.</p>
        <label for="key">Key</label>
        <input ref={input} id="key" name="key" type="password" autocomplete="current-password" required />
        {problem && (
          <p role="alert" class="problem">
            {problem}
          </p>
        )}
        <button type="submit" class="primary" disabled={isBusy}>
          Open the viewer
        </button>
      </form>
    </main>
  );
}
