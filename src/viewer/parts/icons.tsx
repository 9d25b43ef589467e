/** Icons, drawn here so that nothing is loaded. Each is 16 by 16 and has the colour of the text around it. */
const PATHS = {
  model: 'M8 1.8 9.5 6.5 14.2 8 9.5 9.5 8 14.2 6.5 9.5 1.8 8 6.5 6.5Z',
  tool: 'M10.2 2.3a3.6 3.6 0 0 0-3.5 4.9L2.4 11.5v2.1h2.1l4.3-4.3a3.6 3.6 0 0 0 4.6-4.5l-2.1 2.1-1.9-.3-.3-1.9 2.1-2.1a3.6 3.6 0 0 0-1-.3Z',
  agent:
    'M8 1.8v2M4.5 3.8h7a1.7 1.7 0 0 1 1.7 1.7v5a1.7 1.7 0 0 1-1.7 1.7h-7a1.7 1.7 0 0 1-1.7-1.7v-5a1.7 1.7 0 0 1 1.7-1.7ZM6 7v1.6M10 7v1.6M6 14.2h4',
  generic: 'M3 4h10M3 8h10M3 12h6',
  chevron: 'M6 4l4 4-4 4',
  search: 'M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10ZM10.7 10.7 14 14',
  error: 'M8 14.2A6.2 6.2 0 1 0 8 1.8a6.2 6.2 0 0 0 0 12.4ZM8 4.8v3.7M8 11v.2',
  copy: 'M5.5 5.5h7v8h-7zM3.5 10.5v-8h7',
  check: 'M3 8.5 6.5 12 13 4.5',
  up: 'M5 7v6.5H3V7zM5 7.5 7.6 2c1 0 1.6.8 1.6 1.8V6h3.3c.7 0 1.2.6 1.1 1.3l-.8 5c-.1.7-.6 1.2-1.3 1.2H5',
  down: 'M5 9V2.5H3V9zM5 8.5 7.6 14c1 0 1.6-.8 1.6-1.8V10h3.3c.7 0 1.2-.6 1.1-1.3l-.8-5c-.1-.7-.6-1.2-1.3-1.2H5',
  close: 'M3.5 3.5l9 9M12.5 3.5l-9 9',
  back: 'M13 8H3M7 4 3 8l4 4',
  compare: 'M8 2v12M5.5 5 2.5 8l3 3M10.5 5l3 3-3 3',
  sun: 'M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1',
  moon: 'M13.5 9.5A6 6 0 0 1 6.5 2.5a6 6 0 1 0 7 7Z',
  system: 'M2 3h12v8H2zM6 14h4M8 11v3',
  image: 'M2.5 3h11v10h-11zM2.5 11l3-3.5 3 3 2-2 3 2.5M10.5 6v.1',
  link: 'M6.5 9.5l3-3M7 4.5 8.5 3a3 3 0 0 1 4.5 4.5L11.5 9M9 11.5 7.5 13A3 3 0 0 1 3 8.5L4.5 7',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, title, class: className }: { name: IconName; title?: string; class?: string }) {
  return (
    <svg
      class={className ? `icon ${className}` : 'icon'}
      viewBox="0 0 16 16"
      width="16"
      height="16"
      {...(title ? { role: 'img', 'aria-label': title } : { 'aria-hidden': 'true' })}
    >
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The icon of a config's type. */
export function TypeIcon({ type }: { type: string }) {
  const name = type === 'model' || type === 'tool' || type === 'agent' ? type : 'generic';
  return <Icon name={name} class={`type type-${name}`} title={type} />;
}
