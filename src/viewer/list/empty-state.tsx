/** The empty list: what to do next. */
import { CopyButton } from '../parts/copy-button.tsx';
import { navigate } from '../state/address.ts';
import { serverRoot } from '../state/server-root.ts';

export function EmptyState({ isFiltered }: { isFiltered: boolean }) {
  if (isFiltered) {
    return (
      <div class="empty">
        <h2>No session matches</h2>
        <p>
          All words must occur in the same session, as whole words; the last one may be the beginning of a word. Ids and
          references of sessions, logs and traces are found as a whole; <code>user:ada</code>,{' '}
          <code>environment:prod</code> and <code>metadata.release:1.2</code> filter.
        </p>
        <button type="button" class="primary" onClick={() => navigate({ page: 'sessions', filters: {} })}>
          Show all sessions
        </button>
      </div>
    );
  }
  const code = `import { HumanloopSpanProcessor } from 'humanloop-otel';
import { NodeSDK } from '@opentelemetry/sdk-node';
const processor = new HumanloopSpanProcessor({ baseUrl: '${location.origin}${serverRoot()}/v4' });
new NodeSDK({ spanProcessors: [processor] }).start();`;
  return (
    <div class="empty">
      <h2>Waiting for the first log</h2>
      <p>
        Register the span processor in an app that is traced with OpenTelemetry. Its LLM calls appear here as they
        happen.
      </p>
      <div class="code-block">
        <pre>{code}</pre>
        <CopyButton text={code} label="Copy the four lines" />
      </div>
    </div>
  );
}
