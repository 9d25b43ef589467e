/** Reads one log when it is shown, and again when it has changed. */
import { useEffect, useState } from 'preact/hooks';
import type { ViewerLog } from '../../server/store/viewer-store.ts';
import type { LogResponse } from '../../wire/v4.ts';
import { request } from './api.ts';

/** @param stamp another value whenever the log has changed; until the new version has come, the old one is returned. */
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
