import { createOpenAI } from '@ai-sdk/openai';
import { Mastra } from '@mastra/core';
import { Agent } from '@mastra/core/agent';
import { createTool } from '@mastra/core/tools';
import { Observability } from '@mastra/observability';
import { OtelBridge } from '@mastra/otel-bridge';
import { z } from 'zod';

const openai = createOpenAI({ baseURL: process.env.OPENAI_BASE_URL, apiKey: 'none' });
const getWeather = createTool({
  id: 'get_weather',
  description: 'Weather of a city',
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => `Sunny in ${city}`,
});

async function main() {
  const weather = new Agent({
    id: 'weather',
    name: 'weather',
    instructions: 'You are a weather service.',
    model: openai.chat('gpt-4o-mini'),
    tools: { get_weather: getWeather },
  });
  const mastra = new Mastra({
    agents: { weather },
    observability: new Observability({
      configs: { default: { serviceName: 'weather-app', bridge: new OtelBridge() } },
    }),
    logger: false,
  });
  const { text } = await mastra.getAgent('weather').generate('What is the weather in Oslo?');
  console.log(text);
  await mastra.shutdown?.();
}
main();
