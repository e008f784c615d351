// @ts-check
/**
 * Signing in: the passkey, the address, the code. One module for /sign-in, /sign-in/code and /reauth; everything but
 * the passkey works without it. What a page lacks of the following is not used.
 *
 * meta[name=dw-webauthn]   { cond, modal, rpId, email }: options for get(); `cond` only where a field suggests passkeys,
 *                          `email` where it has to be a passkey of this account
 * meta[name=dw-signals]    what to tell password managers at once: `signals` of the API
 * #alert, #status          where errors and progress are told
 * .dw-later                hidden until it is known that passkeys can be used, gone where they cannot
 * #passkey-button, -cancel, -hint   what opens the prompt; what is shown while it is open, and when that takes long
 * input[name=caps]         told what the browser can do: of `passkeys platform conditional signal` what applies
 * #code, #resend           the field for the code; the button to ask again, with data-wait: in how many seconds
 * data-busy                any button of a form: its label after it was pressed
 * template#dw-msg          data-next: where to after a sign-in with a passkey; data-digits: how many a code has;
 *                          data-signed-out: there after signing out, so that other tabs are told;
 *                          data-waiting, -verifying, -sending, -checking: labels; data-resend-ready;
 *                          data-<code>, with dashes: what people are told, with `{n}` and `{id}` to fill in
 */

// shared: account.js has these lines too, word for word, because a page loads one module only.

const find = (/** @type {string} */ id) => document.getElementById(id);

/** @type {(selector: string) => NodeListOf<HTMLElement>} */
const all = (selector) => document.querySelectorAll(selector);

/** @type {(name: string) => any} */
const given = (name) => JSON.parse(document.querySelector(`meta[name=dw-${name}]`)?.getAttribute('content') ?? 'null');

/** @type {(ms: number) => Promise<void>} */
const wait = (ms) => new Promise((done) => setTimeout(done, ms));

/** What the page says for the script: by a name, or by the code of an error. */
const text = (/** @type {string} */ name) =>
  find('dw-msg')?.getAttribute(`data-${name.replaceAll('_', '-')}`) ?? undefined;

const { lang } = document.documentElement;
const channel = new BroadcastChannel('doorward');

const tell = (/** @type {string} */ where, words = '', tone = '') => {
  const slot = find(where);
  if (!slot) return;
  const line = document.createElement('p');
  line.textContent = words;
  slot.dataset.tone = tone;
  slot.replaceChildren(...(words ? [line] : []));
};

/** Puts what is said in progress where it is read aloud. */
const say = (words = '') => tell('status', words);

/** @type {Map<HTMLElement, string | null>} */
const held = new Map();

/** Lets go of a button that was held. */
const letGo = (/** @type {HTMLElement} */ button) => {
  if (!held.has(button)) return;
  (button.querySelector('span') ?? button).textContent = held.get(button) ?? '';
  held.delete(button);
  for (const name of ['aria-disabled', 'aria-busy']) button.removeAttribute(name);
};

/** Holds a button, under another label if there is one: it keeps the focus, but does nothing. */
const hold = (/** @type {HTMLElement} */ button, label = '') => {
  const words = button.querySelector('span') ?? button;
  if (!held.has(button)) held.set(button, words.textContent);
  if (label) words.textContent = label;
  for (const name of ['aria-disabled', 'aria-busy']) button.setAttribute(name, 'true');
};

const isHeld = (/** @type {Element | null} */ button) => button?.getAttribute('aria-disabled') === 'true';

// Last to hear of it: what a page handles itself is not sent.
addEventListener('submit', (event) => {
  const button = /** @type {HTMLButtonElement | null} */ (event.submitter);
  const { method } = /** @type {HTMLFormElement} */ (event.target);
  if (event.defaultPrevented || !button || (button.formMethod || method) !== 'post') return;
  if (isHeld(button)) return event.preventDefault();
  hold(button, button.dataset.busy);
  // Should nothing come of it, it can be pressed again.
  setTimeout(letGo, 10_000, button);
});

addEventListener('pageshow', ({ persisted }) => {
  if (persisted) for (const button of held.keys()) letGo(button);
});

/** @typedef {{ code: string, message?: string, retryAfter?: number, requestId?: string, tone?: string }} Problem */

/** Calls the API. Throws a {@link Problem}. */
const call = async (/** @type {string} */ method, /** @type {string} */ path, body = {}) => {
  const headers = { 'content-type': 'application/json', 'accept-language': lang };
  const response = await fetch(path, { method, headers, body: JSON.stringify(body) }).catch(() => null);
  if (!response) throw { code: 'offline' };
  const answer = await response.json().catch(() => null);
  if (response.ok) return answer;
  throw { ...answer, code: (response.status < 500 && answer?.code) || 'server_error' };
};

const explain = (/** @type {Problem} */ { code, message, retryAfter = 60, requestId = '', tone }) => {
  // Never one of a unit, so that no language needs another form for it.
  const [unit, size] = retryAfter > 90 ? ['minutes', 60] : ['seconds', 1];
  const count = Math.max(2, Math.ceil(retryAfter / size));
  const words = text(code === 'rate_limited' ? `${code}_${unit}` : code) ?? message ?? text('client_error');
  tell('alert', words?.replace('{n}', `${count}`).replace('{id}', requestId), tone);
};

/**
 * What became of a ceremony, by the name of the error and, for what may be anything, the time it took.
 *
 * @type {(name: string, took: number, creating: boolean) => string}
 */
const codeOf = (name, took, creating) => {
  const quick = took < 1_000 ? 'passkey_blocked' : took > 30_000 ? 'passkey_timeout' : 'passkey_cancelled';
  /** @type {Record<string, string>} */
  const codes = {
    AbortError: 'passkey_aborted',
    NotAllowedError: creating ? 'passkey_cancelled' : quick,
    InvalidStateError: creating ? 'passkey_exists' : 'passkey_unusable',
    ConstraintError: 'authenticator_unsuitable',
    NotSupportedError: creating ? 'authenticator_unsuitable' : 'webauthn_unsupported',
    SecurityError: 'rp_mismatch',
    OperationError: 'passkey_busy',
    EncodingError: 'client_error',
    TypeError: 'client_error',
    UserCancellationError: 'passkey_cancelled',
    TimeoutError: 'passkey_timeout',
    UserVerificationError: 'uv_required',
    HybridPrerequisitesError: 'hybrid_prerequisites',
  };
  return codes[name] ?? 'authenticator_failed';
};

/** What was thrown on the way, as a problem. What only whoever set this up can mend is told to the console as well. */
const problemOf = (/** @type {any} */ error, creating = false) => {
  if (error?.code && !(error instanceof DOMException)) return error;
  const code = codeOf(error?.name, performance.now() - calledAt, creating);
  if (/^(rp_|client_)|failed$/.test(code)) console.error(options.rpId, error);
  return { code, tone: 'neutral' };
};

/** @type {Promise<void> | null} */
let pending = null;
let stop = new AbortController();
let calledAt = 0;

const options = given('webauthn');
const cancel = find('passkey-cancel');
let optionsAt = Date.now();
let areSpent = false;
/** Whether a prompt is open that was asked for, or an answer to one is on its way. */
let isWorking = false;

/** Whether what the page brought can still be used: challenges live for ten minutes and are taken once. */
const areFresh = () => !areSpent && Date.now() - optionsAt < 8 * 60_000;

const begin = (/** @type {HTMLElement} */ button, label = '') => {
  isWorking = true;
  tell('alert');
  hold(button, label);
  say(label);
};

const finish = (/** @type {HTMLElement} */ button) => {
  isWorking = false;
  say();
  letGo(button);
  if ([cancel, document.body].includes(/** @type {HTMLElement} */ (document.activeElement))) button.focus();
  if (cancel) cancel.hidden = true;
};

const abandon = () => {
  if (isWorking) stop.abort();
};

cancel?.addEventListener('click', abandon);
addEventListener('keydown', ({ key }) => key === 'Escape' && abandon());

/**
 * Runs a ceremony, the only one: it ends the one before and gives that 250 ms to be over, or the browser says that one
 * is pending. Of several that wait for this the newest goes on.
 *
 * @param {'create' | 'get'} kind
 * @param {object} options
 * @returns {Promise<any>}
 */
const ceremony = async (kind, options) => {
  stop.abort();
  stop = new AbortController();
  const { signal } = stop;
  if (pending) await Promise.race([pending, wait(250)]);
  // By a newer one, or by whoever asked for it.
  signal.throwIfAborted();
  calledAt = performance.now();
  const made = navigator.credentials[kind]({ ...options, signal });
  const over = made.catch(() => {}).then(() => {
    if (pending === over) pending = null;
  });
  pending = over;
  return made;
};

/**
 * The same, again if another page's ceremony was in the way.
 *
 * @type {(kind: 'create' | 'get', publicKey: () => object) => Promise<any>}
 */
const ceremonyAtLast = async (kind, publicKey) => {
  try {
    return await ceremony(kind, { publicKey: publicKey() });
  } catch (/** @type {any} */ error) {
    if (error?.name !== 'OperationError') throw error;
    await wait(250);
    return ceremony(kind, { publicKey: publicKey() });
  }
};

/** @type {(base64: string) => Uint8Array} */
const decode = (base64) =>
  Uint8Array.from(atob(base64.replace(/-/g, '+').replace(/_/g, '/')), (letter) => letter.charCodeAt(0));

/** @type {(bytes: ArrayBuffer) => string} */
const encode = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '');

/** Options as the browser wants them: read by the browser, or, before Safari 18.4, here. */
const read = (/** @type {any} */ json) => {
  const parse = `parse${json.user ? 'Creation' : 'Request'}OptionsFromJSON`;
  try {
    return /** @type {any} */ (PublicKeyCredential)[parse](json);
  } catch {
    const ids = (/** @type {any[]=} */ list) => list?.map((each) => ({ ...each, id: decode(each.id) }));
    return {
      ...json,
      challenge: decode(json.challenge),
      ...(json.user && { user: { ...json.user, id: decode(json.user.id) } }),
      excludeCredentials: ids(json.excludeCredentials),
      allowCredentials: ids(json.allowCredentials),
    };
  }
};

/** A credential as the API takes it. Extensions bring credentials whose `toJSON` is missing, or fails. */
const written = (/** @type {any} */ credential) => {
  /** @type {any} */
  let json;
  try {
    json = credential.toJSON();
  } catch {}
  const { id, rawId, type, authenticatorAttachment, response } = credential;
  if (typeof json?.response?.clientDataJSON !== 'string') {
    json = { id, rawId: encode(rawId), type, authenticatorAttachment, response: {} };
    json.clientExtensionResults = { ...credential.getClientExtensionResults?.() };
    for (const member of ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle']) {
      if (response[member]) json.response[member] = encode(response[member]);
    }
    json.response.transports = response.getTransports?.();
  }
  // The keys that come of a PRF are the page's alone.
  delete json.clientExtensionResults?.prf?.results;
  return json;
};

/** Tells password managers, unless a ceremony is on: then that would fail. Nobody waits for it longer than 300 ms. */
const signal = async (/** @type {Record<string, object>} */ calls) => {
  if (pending) await Promise.race([pending, wait(250)]);
  if (pending) return;
  const made = Object.entries(calls).map(async ([name, options]) =>
    /** @type {any} */ (window).PublicKeyCredential?.[`signal${name}`]?.(options));
  await Promise.race([Promise.allSettled(made), wait(300)]);
};

/** Tells them what an account is called and which passkeys it has: `signals` of the API. */
const signalAccount = async (/** @type {any} */ signals) => {
  if (!signals) return;
  const { rpId, userId, acceptedCredentialIds, name, displayName } = signals;
  await signal({
    AllAcceptedCredentials: { rpId, userId, allAcceptedCredentialIds: acceptedCredentialIds },
    CurrentUserDetails: { rpId, userId, name, displayName },
  });
};

const canUsePasskeys = isSecureContext && !!window.PublicKeyCredential;

/** Shows what was kept back until it is known that it can be used, or takes it away. */
const reveal = (/** @type {boolean} */ isUseful) => {
  for (const each of all('.dw-later')) {
    each.hidden = false;
    if (!isUseful) each.remove();
  }
};
reveal(canUsePasskeys);

// end of shared

const button = find('passkey-button');
const hint = find('passkey-hint');

/** Whether the page is being left. */
let isLeaving = false;
let canSuggest = false;
let mayRestart = true;
let refusals = 0;
let blocks = 0;
let caps = '';

/** Has a new challenge made. What else the page asked for (whose passkeys, how verified) stays. */
const renew = async () => {
  const { challenge } = await call('POST', '/auth/passkeys/authenticate/options');
  for (const each of [options.cond, options.modal]) if (each) each.challenge = challenge;
  optionsAt = Date.now();
  areSpent = false;
};

/** Lets the field suggest passkeys. Where three were refused the button remains. */
const suggest = async () => {
  if (!canSuggest || isWorking || isLeaving || refusals > 2) return;
  let credential;
  try {
    const chosen = ceremony('get', { mediation: 'conditional', publicKey: read(options.cond) });
    focusField();
    credential = await chosen;
  } catch (/** @type {any} */ error) {
    if (error?.name === 'NotAllowedError' && mayRestart) {
      mayRestart = false;
      return suggest();
    }
    if (!/^(NotAllowed|Abort)/.test(error?.name)) console.error(error);
    return;
  }
  if (!isLeaving && !isWorking) await verify(credential);
};

/** Focuses the field, after the browser was told of passkeys: else its list opens without them. */
const focusField = () => {
  if (!matchMedia('(hover: hover) and (pointer: fine)').matches || document.activeElement !== document.body) return;
  /** @type {HTMLElement | null} */ (document.querySelector('[autocomplete~=webauthn]'))?.focus();
};

/** New options, and suggestions again. Offline, the next press of the button tries to get them. */
const resume = async () => {
  stop.abort();
  try {
    await renew();
  } catch {
    return;
  }
  await suggest();
};

/** Says what went wrong, and makes ready for another try. */
const fail = async (/** @type {HTMLElement} */ button, /** @type {Problem} */ problem) => {
  finish(button);
  if (problem.code === 'passkey_aborted') return suggest();
  if (problem.code === 'webauthn_unsupported') {
    reveal(false);
    canSuggest = false;
    /** @type {HTMLElement | null} */ (document.querySelector('form[method=post] :is(.dw-input, button)'))?.focus();
  }
  explain(problem);
  if (problem.code === 'passkey_blocked' && ++blocks > 1) {
    tell('alert', `${text(problem.code)} ${text('passkey_blocked_again') ?? ''}`, problem.tone);
  }
  if (hint) hint.hidden = false;
  await resume();
};

const verify = async (/** @type {any} */ credential) => {
  if (!button) return;
  begin(button, text('verifying'));
  areSpent = true;
  if (cancel) cancel.hidden = true;
  try {
    const answer = written(credential);
    // With an address the server takes this account's passkeys only.
    const { signals } = options.email
      ? await call('POST', '/auth/sessions', { method: 'passkey', email: options.email, token: JSON.stringify(answer) })
      : await call('POST', '/auth/passkeys/authenticate/verify', answer);
    await signalAccount(signals);
    const next = new URL(text('next') ?? '/', location.href);
    next.searchParams.set('caps', caps);
    if (credential.authenticatorAttachment === 'cross-platform') next.searchParams.set('via', 'cross-platform');
    location.assign(next);
  } catch (/** @type {any} */ error) {
    refusals += 1;
    if (error.code === 'unknown_credential') {
      await signal({ UnknownCredential: { rpId: options.rpId, credentialId: credential.id } });
    }
    await fail(button, problemOf(error));
  }
};

/** Opens the browser's prompt. */
const prompt = async (/** @type {HTMLElement} */ button) => {
  begin(button, text('waiting'));
  if (cancel) cancel.hidden = false;
  const slow = setTimeout(() => hint && (hint.hidden = false), 4_000);
  try {
    if (!areFresh()) await renew();
    await verify(await ceremonyAtLast('get', () => read(options.modal ?? options.cond)));
  } catch (error) {
    await fail(button, problemOf(error));
  } finally {
    clearTimeout(slow);
  }
};

/** Asks the browser what it can do. */
const ask = async (/** @type {string} */ question) => {
  try {
    return await /** @type {any} */ (PublicKeyCredential)[question]();
  } catch {}
};

const start = async () => {
  if (text('signed-out')) channel.postMessage('signed-out');
  if (!canUsePasskeys) return;
  const [can, platform, conditional] = await Promise.all([
    ask('getClientCapabilities'),
    ask('isUserVerifyingPlatformAuthenticatorAvailable'),
    ask('isConditionalMediationAvailable'),
    signalAccount(given('signals')),
  ]);
  const has = {
    passkeys: can?.passkeyPlatformAuthenticator ?? platform,
    platform,
    conditional: can?.conditionalGet ?? conditional,
    signal: 'signalUnknownCredential' in PublicKeyCredential,
  };
  caps = Object.entries(has).filter(([, is]) => is).map(([name]) => name).join(' ');
  for (const field of document.querySelectorAll('input')) if (field.name === 'caps') field.value = caps;
  if (!options || !button) return;
  canSuggest = options.cond && has.conditional;

  button.addEventListener('click', () => isHeld(button) || prompt(button));
  addEventListener('submit', (event) => {
    if (event.defaultPrevented) return;
    isLeaving = true;
    stop.abort();
  });
  const check = () => document.visibilityState === 'visible' && !areFresh() && !isWorking && !isLeaving && resume();
  document.addEventListener('visibilitychange', check);
  setInterval(check, 60_000);
  addEventListener('pageshow', ({ persisted }) => {
    if (!persisted) return;
    isLeaving = false;
    if (isWorking) finish(button);
    resume();
  });
  await suggest();
};

/** The code in what was pasted: so many digits, in one run or with spaces, dashes or dots between them. */
const codeIn = (/** @type {string} */ words, /** @type {number} */ length) => {
  const run = (/** @type {string} */ gap) =>
    new RegExp(`(?<!\\d${gap})\\d(?:${gap}\\d){${length - 1}}(?!${gap}\\d)`).exec(words)?.[0].replace(/\D/g, '');
  return run('') ?? run('[ \\t\u00a0.\u2010-\u2015-]*');
};

/** Fills in a code that was pasted or filled in, and sends it, once; what is typed waits for its owner. */
const watchCode = (/** @type {HTMLInputElement} */ field) => {
  const length = Number(text('digits'));
  if (!length) return;
  let isSent = field.hasAttribute('aria-invalid');
  const take = (/** @type {string} */ words) => {
    const code = codeIn(words, length);
    if (!code) return false;
    field.value = code;
    if (!isSent) {
      isSent = true;
      field.form?.requestSubmit(field.form.querySelector('button'));
    }
    return true;
  };
  field.addEventListener('paste', (event) => {
    if (take(event.clipboardData?.getData('text') ?? '')) event.preventDefault();
  });
  field.addEventListener('input', (event) => {
    const { inputType = '', data } = /** @type {InputEvent} */ (event);
    const isTyped = inputType.startsWith('delete') || (inputType.startsWith('insert') && (data ?? '').length === 1);
    if (!isTyped) take(field.value);
  });
};

/** Counts down until a code may be asked for again. It is read aloud once, in the end. */
const countDown = (/** @type {HTMLElement} */ again) => {
  const until = Date.now() + Number(again.dataset.wait) * 1_000;
  if (!(until > Date.now())) return;
  const digits = document.createElement('span');
  digits.className = 'dw-digits';
  digits.setAttribute('aria-hidden', 'true');
  const tick = () => {
    const left = Math.ceil((until - Date.now()) / 1_000);
    digits.textContent = `(${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')})`;
    if (left > 0) return setTimeout(tick, 1_000);
    digits.remove();
    again.removeAttribute('aria-disabled');
    say(text('resend-ready'));
  };
  again.setAttribute('aria-disabled', 'true');
  again.append(digits);
  tick();
};

for (const [form, label] of [['email-form', 'sending'], ['code-form', 'checking']]) {
  for (const each of all(`#${form} button`)) each.dataset.busy = text(label);
}
const field = find('code');
if (field) watchCode(/** @type {HTMLInputElement} */ (field));
const again = find('resend');
if (again) countDown(again);
start();
