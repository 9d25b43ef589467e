import OpenAI from 'openai';

const client = new OpenAI();
const messages = [{ role: 'user', content: 'What is the capital of Norway?' }];

async function main() {
  const { choices } = await client.chat.completions.create({ model: 'gpt-4o-mini', messages });
  console.log(choices[0].message.content);
  const stream = await client.chat.completions.create({
    model: 'gpt-4o-mini',
    messages,
    stream: true,
    stream_options: { include_usage: true },
  });
  for await (const _ of stream);
}
main();
