import { GoogleGenAI } from '@google/genai';

const client = new GoogleGenAI({ apiKey: 'none', httpOptions: { baseUrl: process.env.PROVIDER_URL } });

async function main() {
  const { text } = await client.models.generateContent({
    model: 'gemini-2.5-flash',
    contents: 'What is the capital of Norway?',
  });
  console.log(text);
}
main();
