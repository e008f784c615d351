/** A virtual authenticator of Chromium's: it works for one page and, by default, always says yes. */

export class Authenticator {
  #devtools;
  #id;

  /** Plugs one in. It holds at most three passkeys. */
  static async add(page, options = {}) {
    const authenticator = new Authenticator();
    authenticator.#devtools = await page.context().newCDPSession(page);
    await authenticator.#devtools.send('WebAuthn.enable');
    const { authenticatorId } = await authenticator.#devtools.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        ctap2Version: 'ctap2_1',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
        ...options,
      },
    });
    authenticator.#id = authenticatorId;
    return authenticator;
  }

  /** Whether it recognises its owner from now on. */
  async recognisesItsOwner(isUserVerified) {
    await this.#devtools.send('WebAuthn.setUserVerified', { authenticatorId: this.#id, isUserVerified });
  }

  /** The passkeys that it holds, as the DevTools protocol describes them. */
  async passkeys() {
    const { credentials } = await this.#devtools.send('WebAuthn.getCredentials', { authenticatorId: this.#id });
    return credentials;
  }
}
