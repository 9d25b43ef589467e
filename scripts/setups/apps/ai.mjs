import { createOpenAI } from '@ai-sdk/openai';
import { generateText, stepCountIs, streamText, tool } from 'ai';
import { z } from 'zod';

const openai = createOpenAI({ baseURL: process.env.OPENAI_BASE_URL, apiKey: 'none' });
const weather = tool({
  description: 'Weather of a city',
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => `Sunny in ${city}`,
});

async function main() {
  const { text } = await generateText({
    model: openai.chat('gpt-4o-mini'),
    tools: { get_weather: weather },
    stopWhen: stepCountIs(3),
    prompt: 'What is the weather in Oslo?',
  });
  console.log(text);
  const stream = streamText({ model: openai.chat('gpt-4o-mini'), prompt: 'What is the capital of Norway?' });
  for await (const _ of stream.textStream);
}
main();
