/** Which user a log is of: v4's datapoints have no field for it, so clients say it in the metadata. */

/** The exporter writes `user`; the others are what clients and their vocabularies write. */
const USER_KEYS = ['user', 'user_id', 'userId', 'user.id', 'enduser.id'] as const;

/** `metadata` is the datapoint's, parsed. */
export function isOfUser(metadata: unknown, user: string): boolean {
  if (typeof metadata !== 'object' || metadata === null) return false;
  const values = metadata as Record<string, unknown>;
  return USER_KEYS.some((key) => {
    const value = values[key];
    return (typeof value === 'string' || typeof value === 'number') && String(value) === user;
  });
}
