/** A virtual authenticator of Chromium's: it works for one page and, by default, always says yes. */

/** What people have, by name. Options are those of the DevTools protocol, over the ones of `add`. */
export const PROFILES = {
  /** Nothing. */
  P0: null,
  /** A password manager that synchronises. */
  P1: { defaultBackupEligibility: true, defaultBackupState: true },
  /** What a device keeps for itself. */
  P2: {},
  /** A security key that holds passkeys. */
  P3: { transport: 'usb' },
  /** A security key that does not, and knows nobody. */
  P4: { transport: 'usb', hasResidentKey: false, hasUserVerification: false, isUserVerified: false },
  /** As P1, and nobody touches it. */
  P5: { defaultBackupEligibility: true, defaultBackupState: true, automaticPresenceSimulation: false },
  /** As P1, and it does not recognise its owner. */
  P6: { defaultBackupEligibility: true, defaultBackupState: true, isUserVerified: false },
  /** A phone, beside the computer that the page is on. */
  P7: { transport: 'hybrid', defaultBackupEligibility: true, defaultBackupState: true },
};

export class Authenticator {
  #devtools;
  #id;

  /** What has happened to its passkeys, oldest first: `{ what: 'Added' | 'Asserted' | 'Deleted' | 'Updated', … }`. */
  events = [];

  /** A page without one. The browser knows that too, and does not look for any of the machine's. */
  static async none(page) {
    const devtools = await page.context().newCDPSession(page);
    await devtools.send('WebAuthn.enable', { enableUI: false });
    return devtools;
  }

  /** Plugs one in. It holds at most three passkeys. */
  static async add(page, options = {}) {
    const authenticator = new Authenticator();
    authenticator.#devtools = await Authenticator.none(page);
    for (const what of ['Added', 'Asserted', 'Deleted', 'Updated']) {
      authenticator.#devtools.on(`WebAuthn.credential${what}`, ({ authenticatorId, ...event }) => {
        if (authenticatorId === authenticator.#id) authenticator.events.push({ what, ...event });
      });
    }
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
    await this.#send('setUserVerified', { isUserVerified });
  }

  /** Whether somebody touches it whenever it asks, from now on. It asks once: what waits by then goes on waiting. */
  async isTouched(enabled) {
    await this.#send('setAutomaticPresenceSimulation', { enabled });
  }

  /** What is wrong with its answers from now on: `isBogusSignature`, `isBadUV`, `isBadUP`; without any, nothing. */
  async answersWith(faults = {}) {
    await this.#send('setResponseOverrideBits', { isBogusSignature: false, isBadUV: false, isBadUP: false, ...faults });
  }

  /** The passkeys that it holds, as the DevTools protocol describes them. */
  async passkeys() {
    const { credentials } = await this.#send('getCredentials');
    return credentials;
  }

  /** Puts a passkey in, as `passkeys` describes one. Two authenticators that hold the same one are one account's. */
  async put(credential) {
    await this.#send('addCredential', { credential });
  }

  async remove({ credentialId }) {
    await this.#send('removeCredential', { credentialId });
  }

  /** Sets `backupEligibility`, `backupState` or `signCount` of a passkey that it holds. */
  async change({ credentialId }, properties) {
    await this.#send('setCredentialProperties', { credentialId, ...properties });
  }

  /** Takes it away from the page. */
  async unplug() {
    await this.#send('removeVirtualAuthenticator');
  }

  #send(command, options = {}) {
    return this.#devtools.send(`WebAuthn.${command}`, { authenticatorId: this.#id, ...options });
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
