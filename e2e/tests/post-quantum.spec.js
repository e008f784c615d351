// Passkeys that resist quantum computers. Chromium's authenticator makes them with another library than Doorward's.

import { keyType } from '../authenticator.js';
import { expect, test } from '../fixtures.js';

const ALGORITHMS = { 'ML-DSA-44': -48, 'ML-DSA-65': -49 };
const SWITCHED_ON = { DOORWARD_PASSKEYS__POST_QUANTUM: 'true' };

/** Has the page ask its authenticator for an algorithm whatever Doorward offers, and answers what was on offer. */
async function insistOn(alg, { page }) {
  const offered = [];
  await page.route('**/auth/passkeys/register/options', async (route) => {
    const response = await route.fetch();
    const json = await response.json();
    offered.push(...json.pubKeyCredParams.map(({ alg }) => alg));
    json.pubKeyCredParams = [{ type: 'public-key', alg }];
    await route.fulfill({ response, json });
  });
  return offered;
}

for (const place of ['own', 'listed']) {
  test.describe(`switched on, on a page of ${place === 'own' ? 'our own' : 'another, listed'} origin`, () => {
    test.use({ place, settings: SWITCHED_ON });

    for (const [name, algorithm] of Object.entries(ALGORITHMS)) {
      // Items 28, 30, 45.
      test(`a passkey that signs with ${name} is registered and signs in`, async ({ visitor }) => {
        const ada = await visitor();
        await ada.signInByCode('ada@example.com');

        expect((await ada.register({ algorithm })).status).toBe(201);
        await ada.signOut();
        expect(await ada.whoAmI()).toBeNull();
        expect((await ada.signInByPasskey()).status).toBe(201);

        expect(await ada.whoAmI()).toBe('ada@example.com');
        const [passkey] = await ada.authenticator.passkeys();
        expect(keyType(passkey)).toBe(name);
      });
    }
  });
}

test.describe('switched on', () => {
  test.use({ settings: SWITCHED_ON });

  // Item 28.
  test('an authenticator that knows all algorithms goes on making the one before', async ({ visitor }) => {
    const ada = await visitor();
    await ada.signInByCode('ada@example.com');

    expect((await ada.register()).status).toBe(201);

    const [passkey] = await ada.authenticator.passkeys();
    expect(keyType(passkey)).toBe('EdDSA');
  });

  // Item 28.
  test('a passkey that signs with ML-DSA-87, which is not on offer, is refused', async ({ visitor }) => {
    const ada = await visitor();
    await ada.signInByCode('ada@example.com');
    const offered = await insistOn(-50, ada);

    const { status, body } = await ada.register();

    expect(offered).toEqual([-8, -7, -257, -49, -48]);
    expect({ status, code: body.code }).toEqual({ status: 401, code: 'passkey_failed' });
    const [passkey] = await ada.authenticator.passkeys();
    expect(keyType(passkey)).toBe('ML-DSA-87');
    expect((await ada.call('GET', '/auth/passkeys/')).body).toEqual([]);
  });
});

for (const [name, algorithm] of Object.entries(ALGORITHMS)) {
  // Item 28.
  test(`by default ${name} is not on offer, and a passkey that signs with it is refused`, async ({ visitor }) => {
    const ada = await visitor();
    await ada.signInByCode('ada@example.com');
    const offered = await insistOn(algorithm, ada);

    const { status, body } = await ada.register();

    expect(offered).toEqual([-8, -7, -257]);
    expect({ status, code: body.code }).toEqual({ status: 401, code: 'passkey_failed' });
    const [passkey] = await ada.authenticator.passkeys();
    expect(keyType(passkey)).toBe(name);
    expect((await ada.call('GET', '/auth/passkeys/')).body).toEqual([]);
  });
}
