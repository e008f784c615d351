// What authenticators do, and what they refuse.

import { keyType } from '../authenticator.js';
import { expect, test } from '../fixtures.js';

const ALGORITHMS = { EdDSA: -8, ES256: -7, RS256: -257 };

for (const [name, algorithm] of Object.entries(ALGORITHMS)) {
  test(`a passkey that signs with ${name} is registered and signs in`, async ({ visitor }) => {
    const ada = await visitor();
    await ada.signInByCode('ada@example.com');

    expect((await ada.register({ algorithm })).status).toBe(201);
    await ada.signOut();
    expect((await ada.signInByPasskey()).status).toBe(201);

    const [passkey] = await ada.authenticator.passkeys();
    expect(keyType(passkey)).toBe(name);
  });
}

for (const place of ['own', 'listed']) {
  test.describe(`on a page of ${place === 'own' ? 'our own' : 'another, listed'} origin`, () => {
    test.use({ place });

    test('without knowing its owner an authenticator makes no passkey', async ({ visitor }) => {
      const ada = await visitor({ isUserVerified: false });
      await ada.signInByCode('ada@example.com');

      await expect(ada.register()).rejects.toThrow('NotAllowedError');

      expect((await ada.call('GET', '/auth/passkeys/')).body).toEqual([]);
      expect(await ada.authenticator.passkeys()).toEqual([]);
    });

    test('without knowing its owner an authenticator signs nobody in', async ({ visitor }) => {
      const ada = await visitor();
      await ada.signInByCode('ada@example.com');
      await ada.register();
      await ada.signOut();
      await ada.authenticator.recognisesItsOwner(false);

      await expect(ada.signInByPasskey()).rejects.toThrow('NotAllowedError');

      expect(await ada.whoAmI()).toBeNull();
    });

    test('an authenticator makes no second passkey for the same account', async ({ visitor }) => {
      const ada = await visitor();
      await ada.signInByCode('ada@example.com');
      await ada.register();

      await expect(ada.register()).rejects.toThrow('InvalidStateError');

      expect((await ada.call('GET', '/auth/passkeys/')).body).toHaveLength(1);
    });
  });
}

test('an authenticator holds passkeys of several accounts', async ({ visitor }) => {
  const family = await visitor();
  for (const email of ['ada@example.com', 'bob@example.com']) {
    await family.signInByCode(email);
    expect((await family.register()).status).toBe(201);
    await family.signOut();
  }

  expect(await family.authenticator.passkeys()).toHaveLength(2);
});

test('a passkey that can be synchronised says so', async ({ visitor }) => {
  const ada = await visitor({ defaultBackupEligibility: true, defaultBackupState: true });
  await ada.signInByCode('ada@example.com');

  const { body } = await ada.register();

  expect(body).toMatchObject({ deviceType: 'multiDevice', backedUp: true });
  await ada.signOut();
  expect((await ada.signInByPasskey()).status).toBe(201);
});

test('a security key on USB registers and signs in', async ({ visitor }) => {
  const ada = await visitor({ transport: 'usb' });
  await ada.signInByCode('ada@example.com');

  const { body } = await ada.register();

  expect(body).toMatchObject({ name: 'Security key', transports: ['usb'], deviceType: 'singleDevice' });
  await ada.signOut();
  expect((await ada.signInByPasskey()).status).toBe(201);
});
