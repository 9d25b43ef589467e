/** What can be done with a whole session: take it out as JSON, and delete it. */
import { useState } from 'preact/hooks';
import type { SessionExport, SessionSummary } from '../../server/store/viewer-store.ts';
import { Dialog } from '../parts/dialog.tsx';
import { formatCount, toVisibleText } from '../parts/format.ts';
import { lastList, navigate } from '../state/address.ts';
import { RequestError, request } from '../state/api.ts';

export function SessionActions({ session, total }: { session: SessionSummary; total: number }) {
  const [exported, setExported] = useState<number>();
  const [problem, setProblem] = useState('');
  const [isAsking, setIsAsking] = useState(false);
  const path = `/viewer/api/sessions/${encodeURIComponent(session.id)}`;

  const save = async () => {
    setProblem('');
    setExported(0);
    try {
      saveFile(`${fileName(session)}.json`, await readAll(path, setExported));
    } catch (error) {
      setProblem((error as Error).message);
    }
    setExported(undefined);
  };
  return (
    <div class="session-actions">
      <button type="button" class="quiet" disabled={exported !== undefined} onClick={() => void save()}>
        {exported === undefined ? 'Export JSON' : `${formatCount(exported)} of ${formatCount(total)}…`}
      </button>
      <button type="button" class="quiet" onClick={() => setIsAsking(true)}>
        Delete
      </button>
      {problem && (
        <span role="alert" class="problem">
          {problem}
        </span>
      )}
      {isAsking && <DeleteDialog session={session} total={total} path={path} onClose={() => setIsAsking(false)} />}
    </div>
  );
}

interface DeleteDialogProps {
  readonly session: SessionSummary;
  readonly total: number;
  readonly path: string;
  readonly onClose: () => void;
}

function DeleteDialog({ session, total, path, onClose }: DeleteDialogProps) {
  const [isBusy, setIsBusy] = useState(false);
  const [problem, setProblem] = useState('');
  const remove = async () => {
    setIsBusy(true);
    try {
      await request(path, { method: 'DELETE' });
    } catch (error) {
      // Somebody else was faster.
      if (!(error instanceof RequestError && error.status === 404)) {
        setProblem((error as Error).message);
        setIsBusy(false);
        return;
      }
    }
    navigate(lastList(), { replace: true });
  };
  return (
    <Dialog title="Delete this session?" onClose={onClose}>
      <p>
        <bdi>{toVisibleText(session.reference_id ?? session.first_input ?? session.id)}</bdi>, with{' '}
        {total === 1 ? 'its log' : `all of its ${formatCount(total)} logs`} and their feedback. Nothing brings it back.
      </p>
      {problem && (
        <p role="alert" class="problem">
          {problem}
        </p>
      )}
      <p class="row-end">
        <button type="button" onClick={onClose}>
          Keep it
        </button>
        <button type="button" class="danger" disabled={isBusy} onClick={() => void remove()}>
          Delete
        </button>
      </p>
    </Dialog>
  );
}

/** Reads all logs, portion by portion. Returns the parts of a JSON text. */
async function readAll(path: string, onProgress: (logs: number) => void): Promise<string[]> {
  const parts: string[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const portion: SessionExport = await request(
      `${path}/logs${cursor === '' ? '' : `?cursor=${encodeURIComponent(cursor)}`}`,
    );
    for (const record of portion.records) parts.push(JSON.stringify(record));
    onProgress(parts.length);
    cursor = portion.next;
  }
  return ['[\n', parts.join(',\n'), '\n]\n'];
}

function saveFile(name: string, parts: readonly string[]): void {
  const address = URL.createObjectURL(new Blob([...parts], { type: 'application/json' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

function fileName({ reference_id: reference, id }: SessionSummary): string {
  return (reference ?? id).replaceAll(/[^\w.-]+/g, '-').slice(0, 80) || id;
}
