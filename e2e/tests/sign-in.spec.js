// Signing in with a passkey, on the pages.

import { expect, test } from '../fixtures.js';

const ADA = 'ada@example.com';

const BLOCKED = "Your browser didn't open the passkey prompt. Try again, or continue with email.";
const CANCELLED = 'No passkey was used. Try again, or continue with email.';
const TIMED_OUT = 'The passkey prompt timed out. Try again, or continue with email.';
const FAILED = "We couldn't check that passkey. Try again, or continue with email.";
const REMOVED =
  'That passkey was removed from your account, so it no longer works. Continue with email or use another passkey.';

/** What the browser says of an answer that refuses. */
const UNAUTHORIZED = /status of 401/;

const conditional = (calls) => calls.filter(({ mediation }) => mediation === 'conditional');
const prompted = (calls) => calls.filter(({ mediation }) => mediation !== 'conditional');

/** What happened to the passkeys of an authenticator, in words. */
const happenedTo = ({ authenticator }) => authenticator.events.map(({ what }) => what);

test('T14 a passkey signs in without a click', async ({ person }) => {
  const ada = await person({ profile: 'P1' });
  await ada.hasPasskey(ADA);
  const calls = await ada.watchCeremonies();

  await ada.open('/sign-in');

  await ada.page.waitForURL('/account');
  expect(await ada.whoAmI()).toBe(ADA);
  expect(calls).toMatchObject([{ kind: 'get', mediation: 'conditional', outcome: 'credential' }]);
  expect(happenedTo(ada)).toContain('Asserted');
});

test('T15 the suggestions are asked for at once, and nothing is fetched before', async ({ person }) => {
  const ada = await person({ profile: 'P1' });
  await ada.hasPasskey(ADA);
  await ada.authenticator.isTouched(false);
  await ada.changeBrowser(() => {
    window.calls = [];
    const note = (owner, name) => {
      const native = owner[name];
      owner[name] = function noted(...words) {
        window.calls.push({ name, mediation: words[0]?.mediation, at: performance.now() });
        return native.apply(this, words);
      };
    };
    note(CredentialsContainer.prototype, 'get');
    note(XMLHttpRequest.prototype, 'open');
    note(window, 'fetch');
  });
  const waits = [];
  // Of a few times the best: how busy the machine is, is not the page's fault.
  for (let times = 0; times < 5; times += 1) {
    await ada.open('/sign-in');
    await ada.page.waitForFunction(() => window.calls.length > 0);
    const { calls, arrived } = await ada.page.evaluate(() => {
      const module = performance.getEntriesByType('resource').find(({ name }) => /sign-in\.\w+\.js$/.test(name));
      return { calls: window.calls, arrived: module.responseEnd };
    });
    expect(calls).toMatchObject([{ name: 'get', mediation: 'conditional' }]);
    waits.push(calls[0].at - arrived);
  }

  expect(Math.min(...waits)).toBeLessThan(100);
});

test('T16 a click takes the place of the suggestions', async ({ person }) => {
  const ada = await person({ profile: 'P1' });
  await ada.hasPasskey(ADA);
  await ada.authenticator.isTouched(false);
  const calls = await ada.watchCeremonies();
  await ada.open('/sign-in');
  await expect.poll(() => conditional(calls)).toHaveLength(1);

  await ada.authenticator.isTouched(true);
  await ada.page.click('#passkey-button');

  await ada.page.waitForURL('/account');
  expect(calls.map(({ mediation, outcome }) => [mediation, outcome])).toEqual([
    ['conditional', 'AbortError'],
    [undefined, 'credential'],
  ]);
});

test('a prompt is left by a button or a key, and the suggestions are back', async ({ person }) => {
  const ada = await person({ profile: 'P1' });
  await ada.hasPasskey(ADA);
  await ada.authenticator.isTouched(false);
  const calls = await ada.watchCeremonies();
  await ada.open('/sign-in');
  const [button, cancel] = [ada.page.locator('#passkey-button'), ada.page.locator('#passkey-cancel')];

  for (const leave of [() => cancel.click(), () => ada.page.keyboard.press('Escape')]) {
    const before = conditional(calls).length;
    await button.click();
    await expect(button).toHaveText('Waiting for your passkey…');
    await expect(ada.status).toHaveText('Waiting for your passkey…');
    await expect(cancel).toBeVisible();
    await leave();
    await expect(cancel).toBeHidden();
    await expect(button).toBeFocused();
    await expect(ada.alert).toBeEmpty();
    await expect.poll(() => conditional(calls).length).toBeGreaterThan(before);
  }

  await ada.authenticator.isTouched(true);
  await button.click();
  await ada.page.waitForURL('/account');
});

test('T17 without a passkey the page says so, and is ready for another try', async ({ person }) => {
  const ada = await person({ profile: 'P1' });
  const calls = await ada.watchCeremonies();
  await ada.open('/sign-in');
  // An authenticator that holds nothing says so at once, and is asked once more.
  await expect.poll(() => conditional(calls).map(({ outcome }) => outcome)).toEqual(Array(2).fill('NotAllowedError'));

  const button = ada.page.locator('#passkey-button');
  await button.click();

  await expect(ada.alert).toHaveText(BLOCKED);
  await expect(button).toBeFocused();
  await expect(button).toHaveText('Sign in with a passkey');
  await expect(button).not.toHaveAttribute('aria-disabled');
  await expect(ada.page.locator('#passkey-hint')).toBeVisible();
  await expect.poll(() => conditional(calls)).toHaveLength(3);
  await button.click();
  await expect(ada.alert).toHaveText(`${BLOCKED} Private windows and in-app browsers often block passkeys.`);
});

for (const [seconds, said] of [[2, CANCELLED], [31, TIMED_OUT]]) {
  test(`T17 what ends after ${seconds} seconds is told as that`, async ({ person }) => {
    const ada = await person({ profile: 'P1' });
    await ada.hasPasskey(ADA);
    await ada.authenticator.isTouched(false);
    await ada.page.clock.install();
    const calls = await ada.watchCeremonies();
    // The browser's patience does not go by the clock of the page.
    await ada.changeBrowser(() => {
      const native = navigator.credentials.get.bind(navigator.credentials);
      navigator.credentials.get = (options) => native({ ...options, publicKey: { ...options.publicKey, timeout: 700 } });
    });
    await ada.open('/sign-in');
    await ada.page.click('#passkey-button');
    await expect.poll(() => prompted(calls)).toHaveLength(1);

    await ada.page.clock.runFor(seconds * 1000);

    await expect(ada.alert).toHaveText(said);
    expect(await ada.whoAmI()).toBeNull();
  });
}

test('T18 whom the authenticator does not recognise stays out', async ({ doorward, person }) => {
  const ada = await person({ profile: 'P1' });
  await ada.hasPasskey(ADA);
  await ada.authenticator.recognisesItsOwner(false);
  await ada.open('/sign-in');

  await ada.page.click('#passkey-button');

  await expect(ada.alert).toHaveText(BLOCKED);
  expect(await ada.whoAmI()).toBeNull();
  expect(doorward.log).not.toContain('"status":5');
});

test('T19 a passkey that was removed is told as that, and forgotten', async ({ doorward, person }) => {
  const [ada, elsewhere] = [await person({ profile: 'P1' }), await person()];
  const { id } = await ada.hasPasskey(ADA);
  await elsewhere.signInByCode(ADA);
  expect((await elsewhere.call('DELETE', `/auth/passkeys/${id}`)).status).toBe(204);
  ada.expects(UNAUTHORIZED);

  await ada.open('/sign-in');

  await expect(ada.alert).toHaveText(REMOVED);
  await expect.poll(() => happenedTo(ada)).toContain('Deleted');
  expect(await ada.authenticator.passkeys()).toEqual([]);
  expect(await ada.whoAmI()).toBeNull();
  expect(doorward.lastAnswer).not.toMatchObject({ status: 500 });
});

for (const [number, what, reason, fault] of [
  ['T20', 'a signature that is none', 'signature', { isBogusSignature: true }],
  // The page tells both alike, as the API does.
  ['T21', 'an answer of which its owner knows nothing', 'user_verification', { isBadUV: true }],
]) {
  test(`${number} ${what} opens nothing, and costs no passkey`, async ({ doorward, person }) => {
    const ada = await person({ profile: 'P1' });
    await ada.hasPasskey(ADA);
    await ada.authenticator.answersWith(fault);
    ada.expects(UNAUTHORIZED);

    await ada.open('/sign-in');

    await expect(ada.alert).toHaveText(FAILED);
    expect(await ada.whoAmI()).toBeNull();
    // The suggestions try three times before they leave it to the button.
    const failures = async () => (await doorward.run('events', '--kind', 'authn_login_fail')).split(reason).length - 1;
    await expect.poll(failures).toBe(3);
    expect(happenedTo(ada)).not.toContain('Deleted');
    expect(await ada.authenticator.passkeys()).toHaveLength(1);

    await ada.authenticator.answersWith();
    await ada.page.click('#passkey-button');
    await ada.page.waitForURL('/account');
  });
}

test.describe('later', () => {
  test.use({ movableClock: true });

  test('T22 a page that was left open gets new challenges when its reader comes back', async ({ pass, person }) => {
    const ada = await person({ profile: 'P1' });
    await ada.hasPasskey(ADA);
    await ada.authenticator.isTouched(false);
    await ada.page.clock.install();
    const calls = await ada.watchCeremonies();
    await ada.open('/sign-in');
    await expect.poll(() => conditional(calls)).toHaveLength(1);
    await ada.authenticator.isTouched(true);
    const renewed = ada.page.waitForResponse('/auth/passkeys/authenticate/options');

    await pass('11m');
    // As in a tab that sleeps: the time has passed, and no timer has run.
    await ada.page.clock.setSystemTime(Date.now() + 11 * 60_000);
    await ada.page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));

    expect((await renewed).status()).toBe(200);
    await ada.page.waitForURL('/account');
    expect(calls.map(({ outcome }) => outcome)).toEqual(['AbortError', 'credential']);
  });
});

test('T23 two tabs that ask for a passkey do not get in each other’s way', async ({ person }) => {
  const ada = await person({ profile: 'P1' });
  await ada.hasPasskey(ADA);
  const [passkey] = await ada.authenticator.passkeys();
  const first = { page: ada.page, authenticator: ada.authenticator };
  await first.authenticator.isTouched(false);
  await ada.open('/sign-in');
  const second = { page: await ada.openTab(), authenticator: ada.authenticator };
  await second.authenticator.isTouched(false);
  // The same passkey, synchronised: what counts its use is ahead of the other's.
  await second.authenticator.put({ ...passkey, signCount: passkey.signCount + 10 });
  await ada.open('/sign-in');

  for (const { page, authenticator } of [first, second]) {
    await authenticator.isTouched(true);
    await page.click('#passkey-button');
    await page.waitForURL('/account');
  }

  expect(await ada.whoAmI()).toBe(ADA);
});

test('T24 what some password managers leave out is not missed', async ({ person }) => {
  const ada = await person({ profile: 'P1' });
  await ada.changeBrowser(() => {
    const native = PublicKeyCredential.prototype.toJSON;
    Object.defineProperty(PublicKeyCredential.prototype, 'authenticatorAttachment', { value: null });
    PublicKeyCredential.prototype.toJSON = function toJSON() {
      const { authenticatorAttachment, ...json } = native.call(this);
      delete json.response.transports;
      return { ...json, authenticatorAttachment: null };
    };
  });
  await ada.hasPasskey(ADA);

  await ada.open('/sign-in');

  await ada.page.waitForURL('/account');
  expect(await ada.whoAmI()).toBe(ADA);
});

test('T25 a browser without passkeys is not bothered with them', async ({ person }) => {
  const ada = await person();
  await ada.changeBrowser(() => delete window.PublicKeyCredential);

  await ada.open('/sign-in');
  await expect(ada.page.locator('#email')).toBeVisible();
  await expect(ada.page.locator('#passkey-button')).toHaveCount(0);
  await ada.signInByCode(ADA, { upsell: true });

  await expect(ada.page).toHaveURL('/account');
});

test('T26 a browser that cannot read and write JSON signs in all the same', async ({ person }) => {
  const ada = await person({ profile: 'P1' });
  await ada.hasPasskey(ADA);
  await ada.changeBrowser(() => {
    delete PublicKeyCredential.parseRequestOptionsFromJSON;
    delete PublicKeyCredential.parseCreationOptionsFromJSON;
    delete PublicKeyCredential.prototype.toJSON;
  });

  await ada.open('/sign-in');

  await ada.page.waitForURL('/account');
  expect(await ada.whoAmI()).toBe(ADA);
});

for (const [policy, isLetIn] of [['refuse', false], ['warn', true]]) {
  test.describe(`where the policy is to ${policy}`, () => {
    test.use({ settings: { DOORWARD_PASSKEYS__COUNTER: policy } });

    test('T27 a passkey whose counter has gone back is noticed', async ({ doorward, person }) => {
      const ada = await person({ profile: 'P2' });
      await ada.hasPasskey(ADA);
      const [passkey] = await ada.authenticator.passkeys();
      await ada.authenticator.change(passkey, { signCount: 1000 });
      await ada.open('/sign-in');
      await ada.page.waitForURL('/account');
      await ada.call('DELETE', '/auth/sessions/');
      await ada.authenticator.change(passkey, { signCount: 10 });
      if (!isLetIn) ada.expects(UNAUTHORIZED);

      await ada.open('/sign-in');

      if (isLetIn) await ada.page.waitForURL('/account');
      else await expect(ada.alert).toHaveText(FAILED);
      expect(await ada.whoAmI()).toBe(isLetIn ? ADA : null);
      expect(await doorward.run('events', '--kind', 'authn_counter_regression')).toContain('Chrome on Linux');
      await expect.poll(async () => (await doorward.mail(ADA))[0].subject).toMatch(/passkey/i);
    });
  });
}

test('T28 who is disabled learns no more than a stranger', async ({ doorward, person }) => {
  const [ada, bob] = [await person({ profile: 'P1' }), await person()];
  await ada.hasPasskey(ADA);
  await doorward.run('user', 'disable', ADA);
  ada.expects(UNAUTHORIZED);

  await ada.open('/sign-in');
  await expect(ada.alert).toHaveText(FAILED);
  expect(await ada.whoAmI()).toBeNull();
  expect(await ada.authenticator.passkeys()).toHaveLength(1);

  const mails = (await doorward.mail(ADA)).length;
  const wrong = ['12345678', '87654321'];
  for (const [somebody, email] of [[ada, ADA], [bob, 'bob@example.com']]) {
    await somebody.authenticator?.isTouched(false);
    await somebody.askForCode(email);
    await expect(somebody.page.locator('h1')).toHaveText('Check your email');
    for (const code of wrong) await somebody.enterCode(code);
    await expect(somebody.alert).toContainText("That code isn't right.");
  }
  expect(await doorward.mail(ADA)).toHaveLength(mails);
});
