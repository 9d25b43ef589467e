/** Ends the login of a reader who has given the API key. */
import { useEffect, useState } from 'preact/hooks';
import { post, request } from '../state/api.ts';
import { serverRoot } from '../state/server-root.ts';

/** Is not there where the server needs no key. */
export function LogOutButton() {
  const [isLoggedIn, setIsLoggedIn] = useState(false);
  useEffect(() => {
    request<{ logged_in: boolean }>('/viewer/api/login').then(
      (answer) => setIsLoggedIn(answer.logged_in),
      () => {},
    );
  }, []);
  if (!isLoggedIn) return null;
  const logOut = async () => {
    await post('/viewer/api/logout', {}).catch(() => {});
    // A new document has nothing of what was shown.
    location.assign(`${serverRoot()}/`);
  };
  return (
    <button type="button" class="quiet" onClick={logOut}>
      Log out
    </button>
  );
}
