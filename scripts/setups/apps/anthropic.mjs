import Anthropic from '@anthropic-ai/sdk';

const client = new Anthropic();

async function main() {
  const { content } = await client.messages.create({
    model: 'claude-of-this-test',
    max_tokens: 100,
    messages: [{ role: 'user', content: 'What is the capital of Norway?' }],
  });
  console.log(content[0].text);
}
main();
