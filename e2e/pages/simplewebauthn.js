// A page that uses the library most sites use, unchanged.

import { startAuthentication, startRegistration } from '/simplewebauthn/index.js';
import { call, creationOptions, requestOptions } from './api.js';
export * from './api.js';

export async function register({ name, algorithm } = {}) {
  const response = await startRegistration({ optionsJSON: await creationOptions(algorithm) });
  return call('POST', '/auth/passkeys/register/verify', { name, ...response });
}

/** `conditional`: as a suggestion in the email field, instead of a dialog. */
export async function assertion({ conditional = false } = {}) {
  return startAuthentication({ optionsJSON: await requestOptions(), useBrowserAutofill: conditional });
}

export async function signIn(how) {
  return call('POST', '/auth/passkeys/authenticate/verify', await assertion(how));
}
