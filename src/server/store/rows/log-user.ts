/** Which user a log is of: v4's datapoints have no field for it, so clients say it in the metadata. */
import { isObject } from '../../../wire/json.ts';

/** The exporter writes `user`; the others are what clients and their vocabularies write. */
const USER_KEYS = ['user', 'user_id', 'userId', 'user.id', 'end_user', 'end_user_id', 'enduser.id'] as const;

/** Returns all that the metadata, parsed, name as the user; mostly one or none. */
export function listUsers(metadata: unknown): string[] {
  if (!isObject(metadata)) return [];
  const users: string[] = [];
  for (const key of USER_KEYS) {
    const value = metadata[key];
    if (typeof value === 'string' || typeof value === 'number') users.push(String(value));
  }
  return users;
}
