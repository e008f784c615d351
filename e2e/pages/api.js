// The API as an application's page calls it. Doorward is where the page is, or where the page's address says.

const doorward = new URLSearchParams(location.search).get('doorward') ?? location.origin;
const isOwnOrigin = doorward === location.origin;

export async function call(method, path, body) {
  const hasBody = body !== undefined;
  const response = await fetch(doorward + path, {
    method,
    credentials: 'include',
    headers: hasBody ? { 'content-type': 'application/json' } : {},
    body: hasBody ? JSON.stringify(body) : undefined,
  });
  const text = await response.text();
  return { status: response.status, body: text ? JSON.parse(text) : null };
}

/** Has a code mailed that works for this page only: by a cookie on Doorward's own origin, by the `flow` elsewhere. */
export async function askForCode(email) {
  const asked = await call('POST', '/auth/verify', { email, bind: !isOwnOrigin });
  return { ...asked, flow: isOwnOrigin ? undefined : asked.body.flow };
}

export function signInByCode(email, token, flow) {
  return call('POST', '/auth/sessions/', { method: 'otp', email, token, flow });
}

/** The options for a new passkey; `algorithm` keeps only that one of those that Doorward offers. */
export async function creationOptions(algorithm) {
  const { status, body } = await call('POST', '/auth/passkeys/register/options');
  if (status !== 200) throw new Error(`no options: ${status} ${body?.code}`);
  if (algorithm) body.pubKeyCredParams = body.pubKeyCredParams.filter(({ alg }) => alg === algorithm);
  return body;
}

export async function requestOptions() {
  const { body } = await call('POST', '/auth/passkeys/authenticate/options');
  return body;
}

/** Tells the browser which passkeys the account has and what it is called, as the answer to a sign-in lists them. */
export async function tellBrowser({ rpId, userId, acceptedCredentialIds, name, displayName }) {
  await PublicKeyCredential.signalAllAcceptedCredentials({
    rpId,
    userId,
    allAcceptedCredentialIds: acceptedCredentialIds,
  });
  await PublicKeyCredential.signalCurrentUserDetails({ rpId, userId, name, displayName });
}
