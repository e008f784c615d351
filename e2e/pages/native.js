// A page that needs no library: the browser itself reads the options and writes the answers.

import { call, creationOptions, requestOptions } from './api.js';
export * from './api.js';

export async function register({ name, algorithm } = {}) {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(await creationOptions(algorithm));
  const credential = await navigator.credentials.create({ publicKey });
  return call('POST', '/auth/passkeys/register/verify', { name, ...credential.toJSON() });
}

/** `conditional`: as a suggestion in the email field, instead of a dialog. */
export async function assertion({ conditional = false } = {}) {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(await requestOptions());
  const credential = await navigator.credentials.get({
    publicKey,
    mediation: conditional ? 'conditional' : 'optional',
  });
  return credential.toJSON();
}

export async function signIn(how) {
  return call('POST', '/auth/passkeys/authenticate/verify', await assertion(how));
}
