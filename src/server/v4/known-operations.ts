/** All operations of the last v4 API. Those without a route are known and not served: the answer says so. */

const OPERATIONS = [
  ...['GET /logs', 'POST /logs', 'PATCH /logs', 'DELETE /logs', 'GET /logs/:', 'PATCH /logs/:'],
  ...['GET /sessions', 'POST /sessions', 'GET /sessions/:', 'POST /feedback'],
  ...['GET /projects', 'POST /projects', 'GET /projects/:', 'PATCH /projects/:', 'DELETE /projects/:'],
  ...['GET /projects/:/configs', 'GET /projects/:/active-config', 'DELETE /projects/:/active-config'],
  ...['GET /projects/:/deployed-configs', 'PATCH /projects/:/deploy-config', 'DELETE /projects/:/deployed-config/:'],
  ...['POST /projects/:/feedback-types', 'PATCH /projects/:/feedback-types', 'POST /projects/:/export'],
  ...['POST /model-configs', 'GET /model-configs/:', 'POST /model-configs/:/export'],
  ...['POST /model-configs/serialize', 'POST /model-configs/deserialize'],
  ...['POST /chat', 'POST /chat-deployed', 'POST /chat-model-config'],
  ...['POST /completion', 'POST /completion-deployed', 'POST /completion-model-config'],
  ...['GET /datapoints/:', 'PATCH /datapoints/:', 'DELETE /datapoints'],
  ...['GET /projects/:/datasets', 'POST /projects/:/datasets', 'GET /datasets'],
  ...['GET /datasets/:', 'DELETE /datasets/:', 'PATCH /datasets/:'],
  ...['GET /datasets/:/datapoints', 'POST /datasets/:/datapoints'],
  ...['GET /evaluations/:', 'GET /evaluations/:/datapoints', 'GET /projects/:/evaluations'],
  ...['POST /projects/:/evaluations', 'POST /evaluations/:/log', 'POST /evaluations/:/result'],
  ...['PATCH /evaluations/:/status', 'PATCH /evaluations/:/evaluators', 'GET /evaluations'],
  ...['GET /evaluators', 'POST /evaluators', 'GET /evaluators/:', 'DELETE /evaluators/:', 'PATCH /evaluators/:'],
];

const PATTERNS = OPERATIONS.map((operation) => {
  const [method = '', path = ''] = operation.split(' ');
  return { method, pattern: path.split('/').filter(Boolean) };
});

/** @param segments of the path, decoded, from the server's root. */
export function explainNotServed(method: string, segments: readonly string[]): string | undefined {
  const [version, ...rest] = segments;
  if (version !== 'v4') return undefined;
  const known = PATTERNS.find(
    ({ method: each, pattern }) =>
      each === method &&
      pattern.length === rest.length &&
      pattern.every((part, index) => part === ':' || part === rest[index]),
  );
  return known && `${method} /${known.pattern.join('/').replaceAll(':', '{id}')} of the v4 API is not served here`;
}
