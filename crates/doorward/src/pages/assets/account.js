// @ts-check
/**
 * The account: making a passkey and naming it, dialogs, times, appearance. One module for /account and what is below
 * it, and for /welcome/passkey; everything but making a passkey works without it.
 *
 * meta[name=dw-webauthn]   { create, rpId }: options for create()
 * meta[name=dw-signals], #alert, #status, .dw-later, #passkey-cancel, data-busy: as in sign-in.js
 * #create                  the button that makes a passkey; data-kind: `platform` or `security-key`, or any
 * input[name=failed]       told the code of what went wrong, so that it can be counted
 * #exists                  what takes its place where there is a passkey already
 * data-signal, -no-signal  shown where password managers can be told, and where they cannot
 * data-unable              shown where no passkey can be made
 * data-dialog              a link: the id of the dialog that is opened in its place
 * data-rename              a link: the id of the passkey that is renamed in its place, by template#rename
 * data-name                what holds a passkey's name: its id
 * time[data-time]          relative; `date` and `full` are not
 * input[name=appearance]   is shown at once
 * template#dw-msg          data-next, -waiting, -verifying, -renamed, data-<code>: as in sign-in.js
 */

// shared: sign-in.js has these lines too, word for word, because a page loads one module only.

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

/** Loads the page again, by GET: the server sends whoever is not signed in, or not recently, where they can be. */
const reload = () => location.replace(location.pathname + location.search);

/** Says what went wrong with something that was asked for. */
const fail = (/** @type {Problem} */ problem) => {
  if (['unauthenticated', 'reauth_required'].includes(problem.code)) return reload();
  explain(problem);
};

/** The options, for one kind of authenticator. Hints alone will not do: not every browser knows them. */
const optionsFor = (/** @type {string=} */ kind) => {
  if (kind !== 'platform' && kind !== 'security-key') return options.create;
  const [authenticatorAttachment, hint] =
    kind === 'platform' ? ['platform', 'client-device'] : ['cross-platform', 'security-key'];
  const authenticatorSelection = { ...options.create.authenticatorSelection, authenticatorAttachment };
  return { ...options.create, authenticatorSelection, hints: [hint] };
};

/** Makes a passkey. */
const create = async (/** @type {HTMLElement} */ button) => {
  if (isWorking) return;
  begin(button, text('waiting'));
  if (cancel) cancel.hidden = false;
  let credential;
  try {
    if (!areFresh()) {
      options.create = await call('POST', '/auth/passkeys/register/options');
      optionsAt = Date.now();
      areSpent = false;
    }
    credential = await ceremonyAtLast('create', () => read(optionsFor(button.dataset.kind)));
    areSpent = true;
    if (cancel) cancel.hidden = true;
    begin(button, text('verifying'));
    const { id } = await call('POST', '/auth/passkeys/register/verify', written(credential));
    const next = new URL(text('next') ?? '', location.href);
    next.searchParams.set('created', id);
    location.assign(next);
  } catch (/** @type {any} */ error) {
    const problem = problemOf(error, true);
    // Only if the server refused it for certain: after an answer that is lost, late, or to a request sent twice, it may well be
    // registered.
    if (credential && problem.requestId && !/^(credential_exists|challenge_expired|server_error|unauthenticated|reauth_required)$/.test(problem.code)) {
      await signal({ UnknownCredential: { rpId: options.rpId, credentialId: credential.id } });
    }
    finish(button);
    if (problem.code !== 'passkey_aborted') noteFailure(problem);
    if (/_exists$/.test(problem.code)) acceptExisting();
    else if (problem.code !== 'passkey_aborted') fail(problem);
  }
};

const noteFailure = (/** @type {Problem} */ { code }) => {
  for (const field of document.querySelectorAll('input')) if (field.name === 'failed') field.value = code;
};

/** There is a passkey here already: as good as having made one. */
const acceptExisting = () => {
  explain({ code: 'passkey_exists', tone: 'success' });
  const instead = find('exists');
  if (!instead) return;
  find('create')?.remove();
  instead.hidden = false;
  instead.focus();
};

/** Opens a dialog in place of a page. Its buttons close it; a press beside it does too, where browsers need help. */
const open = (/** @type {HTMLElement} */ link, /** @type {HTMLDialogElement} */ dialog) => {
  // With braces: a handler that gives back `false` would cancel what its buttons do.
  dialog.onclick = ({ target }) => {
    if (target === dialog) dialog.close();
  };
  dialog.onclose = () => link.focus();
  dialog.showModal();
};

/** Lets a passkey be renamed where its name stands. */
const rename = (/** @type {HTMLElement} */ link, /** @type {HTMLTemplateElement} */ template) => {
  const id = link.dataset.rename ?? '';
  const names = all(`[data-name="${id}"]`);
  const heading = /** @type {HTMLElement | undefined} */ (names[0]?.closest('h2') ?? names[0]);
  const form = /** @type {HTMLFormElement} */ (template.content.firstElementChild?.cloneNode(true));
  const [input, button] = [form.querySelector('input'), form.querySelector('button')];
  if (!heading || heading.hidden || !input || !button) return;
  const close = () => {
    form.remove();
    heading.hidden = false;
    link.focus();
  };
  input.id = `rename-${id}`;
  form.querySelector('label')?.setAttribute('for', input.id);
  input.value = names[0].textContent?.trim() ?? '';
  form.onkeydown = ({ key }) => {
    if (key === 'Escape') close();
  };
  form.onreset = close;
  form.onsubmit = async (event) => {
    event.preventDefault();
    if (isHeld(button)) return;
    tell('alert');
    say();
    hold(button, button.dataset.busy);
    try {
      const { name } = await call('PATCH', `/auth/passkeys/${id}`, { name: input.value });
      for (const each of names) each.textContent = name;
      close();
      say(text('renamed'));
    } catch (/** @type {any} */ error) {
      letGo(button);
      input.setAttribute('aria-invalid', 'true');
      fail(problemOf(error));
      find('alert')?.focus();
    }
  };
  heading.hidden = true;
  heading.after(form);
  input.focus();
  input.select();
};

const ago = new Intl.RelativeTimeFormat(lang, { numeric: 'auto' });
const day = new Intl.DateTimeFormat(lang, { dateStyle: 'medium' });
const full = new Intl.DateTimeFormat(lang, { dateStyle: 'long', timeStyle: 'short' });

const relative = (/** @type {Date} */ then) => {
  const minutes = Math.round((then.getTime() - Date.now()) / 60_000);
  const size = Math.abs(minutes);
  if (size < 1) return ago.format(0, 'second');
  if (size < 60) return ago.format(minutes, 'minute');
  if (size < 24 * 60) return ago.format(Math.round(minutes / 60), 'hour');
  return size < 30 * 24 * 60 ? ago.format(Math.round(minutes / 60 / 24), 'day') : day.format(then);
};

/** Says times as people do, where they are. */
const tellTimes = () => {
  for (const time of document.querySelectorAll('time')) {
    const kind = time.dataset.time;
    const then = new Date(time.dateTime);
    if (kind === undefined || isNaN(Number(then))) continue;
    time.title = full.format(then);
    time.textContent = kind === 'date' ? day.format(then) : kind === 'full' ? time.title : relative(then);
  }
};

tellTimes();
setInterval(tellTimes, 60_000);

const canTell = canUsePasskeys && 'signalAllAcceptedCredentials' in PublicKeyCredential;
for (const each of all('[data-signal]')) each.hidden = !canTell;
for (const each of all('[data-no-signal]')) each.hidden = canTell;
for (const each of all('[data-unable]')) each.hidden = canUsePasskeys;
if (!canUsePasskeys && options?.create) {
  explain({ code: isSecureContext ? 'webauthn_unavailable' : 'webauthn_insecure', tone: 'neutral' });
}
signalAccount(given('signals'));

channel.addEventListener('message', ({ data }) => data === 'signed-out' && reload());

document.addEventListener('click', (event) => {
  // Whoever wants a tab of its own for a link gets it.
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const hit = /** @type {Element} */ (event.target).closest('#create, [data-dialog], [data-rename]');
  if (!(hit instanceof HTMLElement)) return;
  const dialog = find(hit.dataset.dialog ?? '');
  const template = find('rename');
  if (hit.id === 'create') create(hit);
  else if (dialog instanceof HTMLDialogElement) open(hit, dialog);
  else if (hit.dataset.rename && template instanceof HTMLTemplateElement) rename(hit, template);
  else return;
  event.preventDefault();
});

document.addEventListener('change', ({ target }) => {
  if (!(target instanceof HTMLInputElement) || target.name !== 'appearance') return;
  const { dataset } = document.documentElement;
  if (target.value === 'system') delete dataset.theme;
  else dataset.theme = target.value;
});
