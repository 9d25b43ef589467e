import { BedrockRuntimeClient, ConverseCommand } from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';

const client = new BedrockRuntimeClient({
  // The default speaks HTTP/2.
  requestHandler: new NodeHttpHandler(),
  region: 'eu-north-1',
  endpoint: process.env.PROVIDER_URL,
  credentials: { accessKeyId: 'none', secretAccessKey: 'none' },
});

async function main() {
  const { output } = await client.send(
    new ConverseCommand({
      modelId: 'anthropic.claude-3-haiku-20240307-v1:0',
      messages: [{ role: 'user', content: [{ text: 'What is the capital of Norway?' }] }],
    }),
  );
  console.log(output.message.content[0].text);
}
main();
