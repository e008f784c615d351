// @ts-check
/**
 * The development mailbox: new mail appears by itself, and codes can be copied. Without it the page loads itself again.
 *
 * data-dw-live             where the server tells of new mail
 * data-dw-list             what is replaced then, by what the same page has in its place
 * data-dw-copy             a button: the id of what it copies; with data-dw-copied, its label after that
 * data-dw-later            hidden until then
 */

const reveal = () => {
  for (const each of document.querySelectorAll('[data-dw-later]')) /** @type {HTMLElement} */ (each).hidden = false;
};

/** Fetches the page again. Not by `fetch` and DOMParser: no page may turn text into markup. */
const refresh = () => {
  const request = new XMLHttpRequest();
  request.responseType = 'document';
  request.onload = () => {
    const [old, fresh] = [document, request.response].map((page) => page?.querySelector('[data-dw-list]'));
    if (request.status !== 200 || !old || !fresh) return;
    old.replaceWith(document.importNode(fresh, true));
    reveal();
  };
  request.open('GET', location.href);
  request.send();
};

const source = document.querySelector('[data-dw-live]')?.getAttribute('data-dw-live');
if (source) {
  const events = new EventSource(source);
  let wasAway = false;
  events.onmessage = refresh;
  events.onerror = () => (wasAway = true);
  // It may have missed some while it was away.
  events.onopen = () => {
    if (wasAway) refresh();
    wasAway = false;
  };
}

document.addEventListener('click', async ({ target }) => {
  const button = /** @type {Element} */ (target).closest('[data-dw-copy]');
  if (!(button instanceof HTMLElement)) return;
  const { dwCopy = '', dwCopied } = button.dataset;
  await navigator.clipboard.writeText(document.getElementById(dwCopy)?.textContent ?? '');
  const label = button.querySelector('span') ?? button;
  const before = label.textContent;
  if (!dwCopied || before === dwCopied) return;
  label.textContent = dwCopied;
  setTimeout(() => (label.textContent = before), 2_000);
});

reveal();
