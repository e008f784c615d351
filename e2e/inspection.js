/** What is true of every page, whatever is on it: looked for in the page as it stands in front of somebody. */

import { readFile } from 'node:fs/promises';

const AXE = await readFile(new URL('node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');

/** What is wrong with how the page is built, in sentences; nothing, if all is well. */
export const inspect = (page) => page.evaluate(complaints);

/** In the page. */
function complaints() {
  const wrong = [];
  const describe = ({ outerHTML }) => outerHTML.slice(0, 120);
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth > clientWidth) wrong.push(`it is ${scrollWidth} px wide, on ${clientWidth}`);
  for (const each of document.body.querySelectorAll('*')) {
    const { width, left, right } = each.getBoundingClientRect();
    const isOut = left < -0.5 || right > clientWidth + 0.5;
    // What only screen readers see may be anywhere.
    if (width > 1 && isOut && each.checkVisibility({ visibilityProperty: true })) wrong.push(`it sticks out: ${describe(each)}`);
  }
  const styled = [...document.querySelectorAll('[style], style')];
  wrong.push(...styled.map((each) => `it has a style of its own: ${describe(each)}`));
  for (const each of document.querySelectorAll('*')) {
    const handlers = each.getAttributeNames().filter((name) => name.startsWith('on'));
    if (handlers.length) wrong.push(`it has a script of its own: ${describe(each)}`);
  }
  const headings = document.querySelectorAll('h1').length;
  if (headings !== 1) wrong.push(`it has ${headings} h1`);
  return wrong;
}

/** What axe-core finds wrong, by the rules of WCAG 2.2 AA, in sentences. It needs scripts to be on. */
export async function judge(page, { contrast }) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(
    (contrast) =>
      axe.run({
        // Style sheets would be loaded once more, as the policy forbids.
        preload: false,
        resultTypes: ['violations'],
        runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
        rules: { 'target-size': { enabled: true }, 'color-contrast': { enabled: contrast } },
      }),
    contrast,
  );
  return violations.flatMap(({ help, nodes }) => nodes.map(({ html, any }) => {
    return `${help}: ${html.slice(0, 160)}${any[0] ? ` (${any[0].message})` : ''}`;
  }));
}
