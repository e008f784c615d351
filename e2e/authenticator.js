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

/** What a passkey signs with, told by the object identifier in the PKCS #8 form of its private key. */
export function keyType({ privateKey }) {
  const hex = Buffer.from(privateKey, 'base64').toString('hex');
  return Object.keys(IDENTIFIERS).find((name) => hex.includes(IDENTIFIERS[name]));
}

const IDENTIFIERS = {
  EdDSA: '06032b6570',
  ES256: '06072a8648ce3d0201',
  RS256: '06092a864886f70d010101',
  'ML-DSA-44': '0609608648016503040311',
  'ML-DSA-65': '0609608648016503040312',
  'ML-DSA-87': '0609608648016503040313',
};
