/** The v4 client without OpenTelemetry, for scripts and for logs that have no span. */
import { randomUUID } from 'node:crypto';
import { HumanloopApiError, HumanloopLogs } from 'humanloop-otel';

const humanloop = new HumanloopLogs();
const session_reference_id = randomUUID();
const agent = randomUUID();

// A parent must be logged in an earlier request than its children. Its output is added at the end.
await humanloop.log({
  project: 'client-example',
  session_reference_id,
  reference_id: agent,
  config: { type: 'agent', agent_class: 'librarian', name: 'librarian', model_config: { model: 'gpt-4o-mini' } },
  inputs: { question: 'Which book is about a white whale?' },
  created_at: new Date(),
});
const { body, roundTripTime } = await humanloop.log({
  project: 'client-example',
  session_reference_id,
  parent_reference_id: agent,
  config: { type: 'model', model: 'gpt-4o-mini', provider: 'openai', endpoint: 'chat' },
  messages: [{ role: 'user', content: 'Which book is about a white whale?' }],
  output: 'Moby-Dick.',
  duration: 0.4,
  created_at: new Date(),
});
console.log(`${body.id} was stored in ${roundTripTime.toFixed(0)} ms`);
await humanloop.updateByRef({ referenceId: agent, output: 'It is Moby-Dick.', duration: 0.5 });

try {
  await humanloop.log({ project: 'client-example', config: { type: 'generic' }, duration: 'long' as never });
} catch (error) {
  if (!(error instanceof HumanloopApiError)) throw error;
  console.log(`${error.status}: ${error.detail?.map(({ loc, msg }) => `${loc.join('.')} ${msg}`).join('; ')}`);
}
await humanloop.close();
