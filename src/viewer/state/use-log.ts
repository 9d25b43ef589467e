/** One log, read when it is shown and again when it has changed. */
import { useEffect, useState } from 'preact/hooks';
import type { ViewerLog } from '../../server/store/viewer-store.ts';
import type { LogResponse } from '../../wire/v4.ts';
import { request } from './api.ts';

/** `stamp` changes when the log has. The one that is shown stays until the new one is there. */
export function useLog(id: string, stamp: string) {
  const [log, setLog] = useState<LogResponse>();
  const [problem, setProblem] = useState('');
  const [count, setCount] = useState(0);
  useEffect(() => {
    let isWanted = true;
    request<ViewerLog>(`/viewer/api/logs/${encodeURIComponent(id)}`).then(
      (answer) => {
        if (!isWanted) return;
        setLog(answer.log);
        setProblem('');
      },
      (error: Error) => isWanted && setProblem(error.message),
    );
    return () => {
      isWanted = false;
    };
  }, [id, stamp, count]);
  return { log: log?.id === id ? log : undefined, problem, reload: () => setCount(count + 1) };
}
