/** The model calls of the app: the openai package for plain answers, the AI SDK for agents with tools. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createOpenAI } from '@ai-sdk/openai';
import { generateText, ToolLoopAgent, tool } from 'ai';
import OpenAI from 'openai';
import { z } from 'zod';
import { OVERLOADED_MODEL } from '../scripted-model/answers.ts';

const MODEL = process.env['OPENAI_MODEL'] ?? 'gpt-4o-mini';

const openai = new OpenAI();
const provider = createOpenAI({ baseURL: process.env['OPENAI_BASE_URL'] });

export async function ask(question: string): Promise<string> {
  const completion = await openai.chat.completions.create({
    model: MODEL,
    messages: [
      { role: 'system', content: 'Answer in one sentence.' },
      { role: 'user', content: question },
    ],
  });
  return completion.choices[0]?.message.content ?? '';
}

export async function* stream(question: string): AsyncGenerator<string> {
  const chunks = await openai.chat.completions.create({
    model: MODEL,
    messages: [{ role: 'user', content: question }],
    stream: true,
    stream_options: { include_usage: true },
  });
  for await (const chunk of chunks) yield chunk.choices[0]?.delta.content ?? '';
}

export async function planTrip(wish: string): Promise<string> {
  const agent = new ToolLoopAgent({
    model: provider.chat(MODEL),
    instructions: 'Plan the trip. Look at the weather and the trains before you answer, in one sentence.',
    tools: {
      get_weather: tool({
        description: "Tomorrow's weather in a city",
        inputSchema: z.object({ city: z.string() }),
        execute: async ({ city }) => ({ city, sky: 'dry', degrees: 14 }),
      }),
      find_trains: tool({
        description: "Tomorrow's trains between two cities",
        inputSchema: z.object({ from: z.string(), to: z.string() }),
        execute: async ({ from, to }) => [{ from, to, departs: '08:03' }],
      }),
    },
    experimental_telemetry: { isEnabled: true, functionId: 'trip-planner' },
  });
  return (await agent.generate({ prompt: wish })).text;
}

/** Its tool is slow, so the first model call is sent while the agent still runs. */
export async function research(question: string): Promise<string> {
  const agent = new ToolLoopAgent({
    model: provider.chat(MODEL),
    instructions: 'Search the archive once, then answer in one sentence.',
    tools: {
      search_archive: tool({
        description: 'Searches a large archive; takes its time',
        inputSchema: z.object({ query: z.string() }),
        execute: async ({ query }) => {
          await sleep(2_000);
          return `One result for "${query}": the line was opened on 27 November 1909.`;
        },
      }),
    },
    experimental_telemetry: { isEnabled: true, functionId: 'researcher' },
  });
  return (await agent.generate({ prompt: question })).text;
}

/** Fails on purpose. */
export async function askOverloadedModel(question: string): Promise<string> {
  const { text } = await generateText({
    model: provider.chat(OVERLOADED_MODEL),
    prompt: question,
    maxRetries: 0,
    experimental_telemetry: { isEnabled: true, functionId: 'overloaded-question' },
  });
  return text;
}
