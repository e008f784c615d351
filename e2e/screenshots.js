/**
 * Pictures of every page in every state, to look at: `node screenshots.js [FOLDER [WORD…]]` writes them to a folder, or to a
 * temporary one; with words only of the states whose name has one of them. Light and dark, on a phone and on a desktop.
 */

import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { chromium } from '@playwright/test';
import { Doorward } from './doorward.js';
import { Person } from './person.js';
import config from './playwright.config.js';
import { CLIENT, SETTINGS, STATES } from './states.js';

const SIZES = { phone: { width: 320, height: 640 }, desktop: { width: 1280, height: 800 } };

const [given, ...words] = process.argv.slice(2);
const folder = given ?? (await mkdtemp(path.join(tmpdir(), 'doorward-screenshots-')));
const chosen = STATES.filter(({ name }) => !words.length || words.some((word) => name.includes(word)));

await mkdir(folder, { recursive: true });
const browser = await chromium.launch(config.use.launchOptions);
try {
  for (const { name, profile, scripts, arrive } of chosen) {
    const doorward = await Doorward.start({ origins: [CLIENT], settings: SETTINGS, movableClock: true });
    try {
      const ada = await Person.enter(browser, doorward, { profile, scripts, viewport: SIZES.desktop });
      await arrive({ person: ada, doorward, email: 'ada@example.com' });
      for (const [device, size] of Object.entries(SIZES)) {
        await ada.page.setViewportSize(size);
        for (const colorScheme of ['light', 'dark']) {
          await ada.page.emulateMedia({ colorScheme });
          const file = `${name.replace(/[^a-z]+/g, '-')}.${device}.${colorScheme}.png`;
          await ada.page.screenshot({ path: path.join(folder, file), fullPage: true });
        }
      }
      await ada.context.close();
    } finally {
      await doorward.stop();
    }
  }
} finally {
  await browser.close();
}
console.log(folder);
