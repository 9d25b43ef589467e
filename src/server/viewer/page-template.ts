/** The page is a template: the build fills in the names of script and style sheet, the server fills in the data. */

const PLACES = {
  /** The relative address of the server's root, once for each file. */
  styleRoot: '%STYLE_ROOT%',
  scriptRoot: '%SCRIPT_ROOT%',
  script: '%SCRIPT%',
  style: '%STYLE%',
  /** Includes the quotes, so that the data block of the template is JSON too. */
  firstData: '"%FIRST_DATA%"',
} as const;

/** Replaces the place by the text. Throws if the template does not have the place exactly once. */
export function fillIn(template: string, place: keyof typeof PLACES, text: string): string {
  const parts = template.split(PLACES[place]);
  if (parts.length === 2) return parts.join(text);
  throw new Error(`the viewer's page must have ${PLACES[place]} once, and has it ${parts.length - 1} times`);
}
