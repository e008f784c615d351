// Pages that the configuration does not list, in the browser of somebody who is signed in: one on a sibling origin,
// to which the cookies travel, and one of another site.

import { expect, test } from '../fixtures.js';

for (const kind of ['sibling', 'stranger']) {
  test.describe(`a page of a ${kind} that is not listed`, () => {
    let ada, before;

    test.beforeEach(async ({ site, visitor }) => {
      ada = await visitor();
      await ada.signInByCode('ada@example.com');
      before = await ada.cookies();
      await ada.openPageOf(site[kind]);
    });

    test.afterEach(async () => {
      expect(await ada.cookies(), 'nothing was set, and nothing taken').toEqual(before);
      await ada.openOwnPage();
      expect(await ada.whoAmI()).toBe('ada@example.com');
    });

    // Item 80.
    test('cannot read who is signed in', async () => {
      await expect(ada.call('GET', '/auth/sessions/current')).rejects.toThrow('Failed to fetch');
      await expect(ada.call('GET', '/auth/sessions/')).rejects.toThrow('Failed to fetch');
    });

    // Item 81.
    test('cannot embed an answer as a script', async ({ doorward }) => {
      const blocked = ada.page.waitForEvent('requestfailed');

      await ada.page.evaluate((url) => {
        const script = document.createElement('script');
        document.body.append(Object.assign(script, { src: url }));
      }, `${doorward.origin}/auth/sessions/current`);

      expect((await blocked).failure().errorText).toContain('BLOCKED_BY_RESPONSE');
    });

    // Item 80.
    test('gets no leave to send JSON', async ({ doorward }) => {
      await expect(ada.call('POST', '/auth/verify', { email: 'eve@example.com' })).rejects.toThrow('Failed to fetch');
      await expect(ada.call('DELETE', '/auth/sessions/')).rejects.toThrow('Failed to fetch');

      expect(await doorward.mail('eve@example.com')).toEqual([]);
    });

    for (const type of ['text/plain', 'application/x-www-form-urlencoded']) {
      test(`is refused when it sends ${type} without asking for leave`, async ({ doorward }) => {
        const body = JSON.stringify({ method: 'otp', email: 'eve@example.com', token: '12345678' });

        await ada.page.evaluate(
          ([url, options]) => fetch(url, options).catch(() => {}),
          [
            `${doorward.origin}/auth/sessions/`,
            { method: 'POST', mode: 'no-cors', credentials: 'include', headers: { 'content-type': type }, body },
          ],
        );

        await expect.poll(() => doorward.lastAnswer).toEqual({ method: 'POST', route: '/auth/sessions/', status: 403 });
      });
    }

    // Items 76, 78.
    test('is refused when it asks for a new passkey', async ({ doorward }) => {
      // No body, no header of its own: the browser sends it, with the cookie, without asking for leave.
      await expect(ada.call('POST', '/auth/passkeys/register/options')).rejects.toThrow('Failed to fetch');

      const refused = { method: 'POST', route: '/auth/passkeys/register/options', status: 403 };
      await expect.poll(() => doorward.lastAnswer).toEqual(refused);
    });

    for (const enctype of ['text/plain', 'application/x-www-form-urlencoded']) {
      test(`is refused when it submits a form as ${enctype}`, async ({ doorward }) => {
        const answer = ada.page.waitForResponse((response) => response.request().method() === 'POST');

        await ada.page.evaluate(
          ([action, enctype]) => {
            const form = Object.assign(document.createElement('form'), { method: 'POST', action, enctype });
            // As text/plain, this makes JSON of the name and the value.
            form.append(Object.assign(document.createElement('input'), { name: '{"email":"eve@example.com","x":"', value: '"}' }));
            document.body.append(form);
            form.submit();
          },
          [`${doorward.origin}/auth/verify`, enctype],
        );

        expect((await answer).status()).toBe(403);
        await expect(ada.page.locator('body')).toContainText('"code":"cross_origin"');
        expect(await doorward.mail('eve@example.com')).toEqual([]);
      });
    }

    // Item 122.
    test('cannot show Doorward in a frame', async ({ doorward }) => {
      const url = `${doorward.origin}/auth/sessions/`;
      const blocked = ada.page.waitForEvent('requestfailed');

      await ada.page.evaluate((url) => {
        const frame = document.createElement('iframe');
        document.body.append(Object.assign(frame, { src: url }));
      }, url);

      expect((await blocked).failure().errorText).toContain('BLOCKED_BY_RESPONSE');
    });
  });
}

test('a preflight from an origin that is not listed is given no leave', async ({ doorward, site }) => {
  const asked = await fetch(`${doorward.origin.replace('localhost', '127.0.0.1')}/auth/verify`, {
    method: 'OPTIONS',
    headers: { origin: site.sibling, 'access-control-request-method': 'POST' },
  });

  expect([...asked.headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([]);
});
