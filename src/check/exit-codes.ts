/** What `humanloop-otel check` ends with. Scripts rely on the numbers. */
export const EXIT = {
  ok: 0,
  unreachable: 3,
  key: 4,
  address: 5,
  notReadBack: 6,
  commandFailed: 7,
  noLog: 8,
  unseen: 9,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The list for `--help`. */
export const EXIT_CODES = `Exit codes of check:
  0  all is well: the server works, and with a command its first log has arrived
  1  something unexpected
  2  wrong arguments, or a wrong HUMANLOOP_… variable
  3  the server cannot be reached
  4  the server refuses the API key
  5  nothing that speaks the v4 API answers at the address, or it fails itself (HTTP 5xx)
  6  the server took a log, but did not give it back
  7  the command cannot be started, or failed before a log came
  8  the command made no log
  9  no SDK is installed, or an LLM package whose calls nothing sees (without a command)
`;
