import { traceAgent, traceTool } from '@arizeai/openinference-core';
import OpenAI from 'openai';

const client = new OpenAI();
const getWeather = traceTool(async (city) => `Sunny in ${city}`, { name: 'get_weather' });

const answer = traceAgent(
  async (question) => {
    const weather = await getWeather('Oslo');
    const messages = [{ role: 'user', content: `${question} ${weather}` }];
    const { choices } = await client.chat.completions.create({ model: 'gpt-4o-mini', messages });
    return choices[0].message.content;
  },
  { name: 'guide' },
);
console.log(await answer('What is the weather?'));
