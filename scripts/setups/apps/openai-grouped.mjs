import { trace } from '@opentelemetry/api';
import OpenAI from 'openai';

const client = new OpenAI();
const ask = (content) =>
  client.chat.completions.create({ model: 'gpt-4o-mini', messages: [{ role: 'user', content }] });

/** A span around calls makes them one session; a `session.id` makes traces one session. */
async function turn(content) {
  await trace.getTracer('app').startActiveSpan('turn', async (span) => {
    span.setAttribute('session.id', 'conversation-1');
    await ask(content);
    await ask(`again: ${content}`);
    span.end();
  });
}
turn('What is the capital of Norway?').then(() => turn('And of Sweden?'));
