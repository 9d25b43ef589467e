import { Agent, run, tool } from '@openai/agents';
import { z } from 'zod';

const weather = tool({
  name: 'get_weather',
  description: 'Weather of a city',
  parameters: z.object({ city: z.string() }),
  execute: async ({ city }) => `Sunny in ${city}`,
});
const agent = new Agent({ name: 'Guide', instructions: 'Answer briefly.', model: 'gpt-4o-mini', tools: [weather] });

async function main() {
  const { finalOutput } = await run(agent, 'What is the weather in Oslo?');
  console.log(finalOutput);
}
main();
