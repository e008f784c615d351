/** Somebody on the pages of Doorward, in a browser of their own. Whom a test meets on an application's page is a visitor. */

import { expect } from '@playwright/test';
import { Authenticator, PROFILES } from './authenticator.js';

export class Person {
  #doorward;
  #profile;
  #expected = [];

  /** What the browser has complained of: errors in the console, violations of the policy, what scripts threw. */
  complaints = [];

  constructor(context, doorward, profile) {
    this.context = context;
    /** Where the pages are. */
    this.origin = doorward.origin;
    this.#doorward = doorward;
    this.#profile = PROFILES[profile];
    context.on('console', (message) => {
      const { url } = message.location();
      // That a page has the status of an error is for its test to say.
      const isOfPage = /^Failed to load resource/.test(message.text()) && url === message.page()?.url();
      if (message.type() === 'error' && !isOfPage) this.#complain(`${message.text()} (${url})`);
    });
    context.on('weberror', (error) => this.#complain(String(error.error())));
  }

  /**
   * Lets somebody in, with what the profile says (see `PROFILES`) and a browser that is set to their liking: `scripts`
   * off, a `language` of the pages, `colours` (`light`, `dark`), `forcedColours` (`active`), a `viewport`, a `userAgent` that
   * it calls itself.
   */
  static async enter(browser, doorward, { profile = 'P0', scripts, language, colours, forcedColours, viewport, userAgent } = {}) {
    const context = await browser.newContext({
      baseURL: doorward.origin,
      javaScriptEnabled: scripts,
      colorScheme: colours,
      forcedColors: forcedColours,
      viewport,
      userAgent,
    });
    if (language) await context.addCookies([{ name: 'doorward_language', value: language, url: doorward.origin }]);
    const person = new Person(context, doorward, profile);
    await person.openTab();
    return person;
  }

  /** Opens another tab, to which `page` and `authenticator` refer from now on. Its authenticator is empty. */
  async openTab() {
    this.page = await this.context.newPage();
    this.authenticator = this.#profile ? await Authenticator.add(this.page, this.#profile) : null;
    if (!this.#profile) await Authenticator.none(this.page);
    // Ceremonies want the page that has the focus.
    const devtools = await this.context.newCDPSession(this.page);
    await devtools.send('Emulation.setFocusEmulationEnabled', { enabled: true });
    return this.page;
  }

  /** Takes the authenticator away from the page, and plugs in another one. */
  async swapAuthenticator(profile) {
    await this.authenticator.unplug();
    this.authenticator = await Authenticator.add(this.page, PROFILES[profile]);
  }

  /** Says what the browser will rightly complain of. */
  expects(...complaints) {
    this.#expected.push(...complaints);
  }

  #complain(text) {
    if (!this.#expected.some((pattern) => pattern.test(text))) this.complaints.push(text);
  }

  /** Opens a page: the answer. */
  async open(path) {
    return this.page.goto(path);
  }

  /** Has the script run in pages that are opened from now on, before any of their own. */
  async changeBrowser(script, argument) {
    await this.context.addInitScript(script, argument);
  }

  /**
   * Keeps a list of the calls that pages make from now on to get or create credentials: `{ kind, mediation, outcome }`, in
   * which the outcome is the name of an error, or `credential`, or nothing as long as the call is pending.
   */
  async watchCeremonies() {
    const ceremonies = [];
    await this.context.exposeFunction('noteCeremony', ({ id, ...news }) => {
      const known = ceremonies.find((each) => each.id === id);
      if (known) Object.assign(known, news);
      else ceremonies.push({ id, ...news });
    });
    await this.changeBrowser(() => {
      for (const kind of ['get', 'create']) {
        const native = navigator.credentials[kind].bind(navigator.credentials);
        navigator.credentials[kind] = (options) => {
          const id = crypto.randomUUID();
          const note = (news) => window.noteCeremony({ id, ...news });
          note({ kind, mediation: options.mediation });
          const made = native(options);
          made.then(() => note({ outcome: 'credential' }), ({ name }) => note({ outcome: name }));
          return made;
        };
      }
    });
    return ceremonies;
  }

  /** Pastes into what has the focus. */
  async paste(text) {
    await this.context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await this.page.evaluate((text) => navigator.clipboard.writeText(text), text);
    await this.page.keyboard.press('Control+V');
  }

  /** The page's part for errors, and the one that says how it goes. */
  get alert() {
    return this.page.locator('#alert');
  }

  get status() {
    return this.page.locator('#status');
  }

  /** Asks for a code on the pages, and is on the page that takes it. */
  async askForCode(email, { returnTo, upsell = false } = {}) {
    await this.open(`/sign-in${query({ return_to: returnTo, upsell: upsell ? undefined : '0' })}`);
    await this.page.fill('#email', email);
    await this.page.press('#email', 'Enter');
    await this.page.waitForURL('/sign-in/code');
  }

  /** Types a code as people do, and sends it. */
  async enterCode(code) {
    await this.page.locator('#code').pressSequentially(code);
    await this.page.press('#code', 'Enter');
  }

  /**
   * Signs in, or up, with a code, and is where that leads. No passkey is offered on the way but with `upsell`.
   *
   * Whose passkey signs in by itself never sees the form: `authenticator.isTouched(false)`.
   */
  async signInByCode(email, options) {
    await this.askForCode(email, options);
    await this.enterCode(await this.#doorward.code(email));
    await this.page.waitForURL((url) => !url.pathname.startsWith('/sign-in'));
  }

  /** Makes a passkey by the API, signed in and lately: as the API answers it. */
  async makePasskey({ name } = {}) {
    const options = await this.call('POST', '/auth/passkeys/register/options');
    expect(options.status).toBe(200);
    const credential = await this.page.evaluate(async (json) => {
      const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(json);
      return (await navigator.credentials.create({ publicKey })).toJSON();
    }, options.body);
    const made = await this.call('POST', '/auth/passkeys/register/verify', { name, ...credential });
    expect(made.status).toBe(201);
    return made.body;
  }

  /** Has an account with a passkey on this authenticator, and is signed out, on the page that says so. */
  async hasPasskey(email) {
    await this.signInByCode(email);
    const passkey = await this.makePasskey();
    await this.call('DELETE', '/auth/sessions/');
    return passkey;
  }

  /** Signs out on the pages. */
  async signOut() {
    await this.open('/sign-out');
    await this.page.click('main form button');
    await this.page.waitForURL('/sign-in');
  }

  /** Calls the API from the page: `{ status, body }`. */
  async call(method, path, body) {
    return this.page.evaluate(
      async ([method, path, body]) => {
        const headers = body ? { 'content-type': 'application/json' } : {};
        const response = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
        const text = await response.text();
        return { status: response.status, body: text ? JSON.parse(text) : null };
      },
      [method, path, body],
    );
  }

  /** Who Doorward thinks is there: an address, or null. */
  async whoAmI() {
    const response = await this.context.request.get('/auth/sessions/current');
    return response.status() === 200 ? (await response.json()).user.email : null;
  }

  /** What the browser keeps, by name. */
  async cookies() {
    const cookies = await this.context.cookies();
    return Object.fromEntries(cookies.map(({ name, ...cookie }) => [name, cookie]));
  }

  /** Makes the browser's cookies older by so many seconds: its own clock stands, whatever the server's does. */
  async ageCookies(seconds) {
    const now = Date.now() / 1000;
    for (const { domain, path, ...cookie } of await this.context.cookies()) {
      if (cookie.expires === -1) continue;
      const expires = cookie.expires - seconds;
      if (expires <= now) await this.context.clearCookies({ name: cookie.name });
      else await this.context.addCookies([{ ...cookie, expires, url: this.origin }]);
    }
  }
}

/** The query of an address; nothing of what is undefined. */
function query(values) {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return given.length ? `?${new URLSearchParams(given)}` : '';
}
