// The whole way through, from two places: a page of Doorward's own origin that uses no library, and a page of another
// origin, which the configuration lists, that uses @simplewebauthn/browser.

import { expect, test } from '../fixtures.js';

const TOKEN = /^dw_[0-9A-Za-z]{70}$/;

for (const place of ['own', 'listed']) {
  test.describe(`from a page of ${place === 'own' ? 'our own' : 'another, listed'} origin`, () => {
    test.use({ place });

    test('people sign up with a code, add a passkey, and come back with it', async ({ visitor }) => {
      const ada = await visitor();
      expect(await ada.whoAmI()).toBeNull();

      const signedUp = await ada.signInByCode('ada@example.com');
      expect(signedUp.status).toBe(201);
      expect(signedUp.body.user).toMatchObject({ email: 'ada@example.com', emailVerified: true });
      expect(signedUp.body.session).toMatchObject({ method: 'otp', current: true });

      const added = await ada.register({ name: 'Ada’s laptop' });
      expect(added.status).toBe(201);
      expect(added.body).toMatchObject({ name: 'Ada’s laptop', transports: ['internal'], lastUsedAt: null });
      expect((await ada.call('GET', '/auth/passkeys/')).body).toEqual([added.body]);

      expect((await ada.signOut()).status).toBe(204);
      expect(await ada.whoAmI()).toBeNull();

      const signedIn = await ada.signInByPasskey();
      expect(signedIn.status).toBe(201);
      expect(signedIn.body.user.id).toBe(signedUp.body.user.id);
      expect(signedIn.body.session).toMatchObject({ method: 'passkey', passkeyId: added.body.id });
      expect(await ada.whoAmI()).toBe('ada@example.com');
    });

    test('the other door takes the passkey too, with its owner’s address', async ({ visitor }) => {
      const ada = await visitor();
      await ada.signInByCode('ada@example.com');
      await ada.register();
      await ada.signOut();
      const form = async (email) => ({ method: 'passkey', email, token: JSON.stringify(await ada.assertion()) });

      const asAnother = await ada.call('POST', '/auth/sessions/', await form('eve@example.com'));
      const asOwner = await ada.call('POST', '/auth/sessions/', await form('ada@example.com'));

      expect(asAnother).toMatchObject({ status: 401, body: { code: 'passkey_failed' } });
      expect(asOwner).toMatchObject({ status: 201, body: { session: { method: 'passkey' } } });
    });

    test('a passkey signs in from the suggestions of the email field', async ({ visitor }) => {
      const ada = await visitor();
      await ada.signInByCode('ada@example.com');
      await ada.register();
      await ada.signOut();

      const signedIn = await ada.signInByPasskey({ conditional: true });

      expect(signedIn.status).toBe(201);
      expect(await ada.whoAmI()).toBe('ada@example.com');
    });

    test('a session in another browser is listed, and ends when it is revoked', async ({ visitor }) => {
      const laptop = await visitor();
      const phone = await visitor();
      await laptop.signInByCode('ada@example.com');
      const onPhone = await phone.signInByCode('ada@example.com');

      const sessions = (await laptop.call('GET', '/auth/sessions/')).body;
      expect(sessions.map(({ current }) => current)).toEqual([false, true]);
      expect(sessions[0].id).toBe(onPhone.body.session.id);
      expect(sessions[0].device).toMatchObject({ browser: expect.stringContaining('Chrom'), os: 'Linux' });

      expect((await laptop.call('DELETE', `/auth/sessions/${sessions[0].id}`)).status).toBe(204);

      expect(await phone.whoAmI()).toBeNull();
      expect(await laptop.whoAmI()).toBe('ada@example.com');
      expect((await laptop.call('GET', '/auth/sessions/')).body).toHaveLength(1);
    });

    // Item 71.
    test('scripts of the page get the token only where there is no other way', async ({ visitor }) => {
      const ada = await visitor();

      const { body } = await ada.signInByCode('ada@example.com');

      if (place === 'own') {
        expect(body).not.toHaveProperty('token');
        expect(JSON.stringify(body)).not.toContain('dw_');
      } else {
        expect(body.token).toMatch(TOKEN);
      }
      expect(await ada.readableCookies()).toBe('');
      expect((await ada.cookies()).doorward_session.value).toMatch(TOKEN);
    });

    test('the browser hears which passkeys the account has', async ({ visitor }) => {
      const ada = await visitor();
      await ada.signInByCode('ada@example.com');
      const { body: passkey } = await ada.register();

      const { body } = await ada.signInByPasskey();
      expect(body.signals).toMatchObject({ rpId: 'localhost', acceptedCredentialIds: [passkey.id] });
      await ada.tellBrowser(body.signals);
      expect(await ada.authenticator.passkeys()).toHaveLength(1);

      await ada.call('DELETE', `/auth/passkeys/${passkey.id}`);
      await ada.tellBrowser({ ...body.signals, acceptedCredentialIds: [] });
      await expect.poll(() => ada.authenticator.passkeys()).toHaveLength(0);
    });

    test('the browser forgets a passkey that was removed here', async ({ visitor }) => {
      const ada = await visitor();
      await ada.signInByCode('ada@example.com');
      const { body: passkey } = await ada.register();
      await ada.call('DELETE', `/auth/passkeys/${passkey.id}`);

      const refused = await ada.signInByPasskey();
      expect(refused).toMatchObject({ status: 401, body: { code: 'unknown_credential' } });
      await ada.page.evaluate(
        (credentialId) => PublicKeyCredential.signalUnknownCredential({ rpId: 'localhost', credentialId }),
        passkey.id,
      );

      await expect.poll(() => ada.authenticator.passkeys()).toHaveLength(0);
    });
  });
}

test.describe('from both', () => {
  test.use({ place: 'listed' });

  test('somebody who was on our own page can sign in on the listed one', async ({ visitor }) => {
    const ada = await visitor();
    const listed = ada.page.url();
    await ada.signInByCode('ada@example.com');
    await ada.register();
    await ada.openOwnPage();
    await ada.signOut();
    await ada.assertion();
    expect(await ada.cookies()).toHaveProperty('doorward_flow');

    await ada.openPageOf(new URL(listed).origin);

    expect((await ada.signInByPasskey()).status).toBe(201);
    await ada.signOut();
    expect((await ada.signInByCode('ada@example.com')).status).toBe(201);
  });
});
