/** What models that make pictures answered: OpenLIT's list, key or event for each, and xAI's keys. */
import type { SpanEvent } from '../../../otel/span-slice.ts';
import { pictureAnswerOf } from '../../content/image-answers.ts';
import { MessageReader } from '../../content/messages/messages.ts';
import type { Reading } from '../../convention.ts';
import { stringOf } from '../../values/attributes.ts';
import { groupByIndex } from '../../values/indexed-groups.ts';
import type { SpanFields } from '../../values/span-fields.ts';

const PICTURE = 'gen_ai.response.image';
const REVISED = 'gen_ai.content.revised_prompt';
/** The number comes before the names of the fields. */
const XAIS = 'gen_ai.response.';

/** Stands for the bytes of a picture. */
const HIDDEN = '[base64_image_data]';

/** Returns the answer as a message, and the first prompt that the model made of that of the app. */
export function readPictures(fields: SpanFields): Reading {
  const { attributes, span } = fields;
  const [numbered = [], revised = [], xais = []] = groupByIndex(attributes, [`${PICTURE}.`, `${REVISED}.`, XAIS]);
  const pictures = [
    ...(fields.list(PICTURE) ?? [attributes[PICTURE]]),
    ...numbered.map((picture) => picture.fields['']),
    ...xais.map((picture) => picture.fields['image.url'] ?? picture.fields['image.base64']),
    ...span.events.filter(isPicture).map((event) => event.attributes?.['gen_ai.completion']),
  ].filter((picture) => stringOf(picture) !== undefined && picture !== HIDDEN);
  const revised_prompt = stringOf(
    fields.list(REVISED)?.[0] ??
      attributes[REVISED] ??
      revised[0]?.fields[''] ??
      xais[0]?.fields['image.up_sampled_prompt'],
  );
  return {
    outputMessage: pictures.length > 0 ? new MessageReader().readOutput(pictureAnswerOf(pictures))[0] : undefined,
    contentMetadata: { revised_prompt },
  };
}

function isPicture({ name }: SpanEvent): boolean {
  return typeof name === 'string' && name.startsWith(`${PICTURE}.`);
}
