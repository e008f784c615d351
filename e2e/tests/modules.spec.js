// What the scripts of the pages promise about themselves.

import { readFile } from 'node:fs/promises';
import { expect, test } from '@playwright/test';

const ASSETS = new URL('../../crates/doorward/src/pages/assets/', import.meta.url);

/** The lines that modules share, without the first, which names the other module. */
async function shared(name) {
  const text = await readFile(new URL(name, ASSETS), 'utf8');
  return text.match(/^\/\/ shared: .*\n([^]*?)^\/\/ end of shared$/m)?.[1];
}

test('what two modules have in common is the same, word for word', async () => {
  const lines = await shared('sign-in.js');

  expect(lines).toContain('const ceremony = ');
  expect(await shared('account.js')).toBe(lines);
});

const SINKS = /innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|new Function|\bimport\b/;

test('no module turns text into markup or code, or loads another', async () => {
  for (const name of ['sign-in.js', 'account.js', 'mailbox.js']) {
    const text = await readFile(new URL(name, ASSETS), 'utf8');
    const code = text.replace(/^\s*(\/\/|\/\*\*|\*).*$/gm, '');
    expect(code).not.toMatch(SINKS);
  }
});
