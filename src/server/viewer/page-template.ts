/** The page is a template: the build fills in the names of script and style sheet, the server the data, page by page. */

const PLACES = {
  script: '%SCRIPT%',
  style: '%STYLE%',
  /** With its quotes, so that the template's data block is JSON as well. */
  firstData: '"%FIRST_DATA%"',
} as const;

/** Puts the text, as it is, in its place. Throws where the template does not have that place exactly once. */
export function fillIn(template: string, place: keyof typeof PLACES, text: string): string {
  const parts = template.split(PLACES[place]);
  if (parts.length === 2) return parts.join(text);
  throw new Error(`the viewer's page must have ${PLACES[place]} once, and has it ${parts.length - 1} times`);
}
