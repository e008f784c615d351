/** Somebody else's site, on a port of its own: it serves the pages of this folder and nothing more. */

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDERS = {
  pages: fileURLToPath(new URL('pages', import.meta.url)),
  simplewebauthn: fileURLToPath(new URL('node_modules/@simplewebauthn/browser/esm', import.meta.url)),
};

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8' };

/** The file behind `/pages/…` and `/simplewebauthn/…`, as `{ contentType, body }`; null where there is none. */
export async function read(pathname) {
  const [, folder, ...rest] = path.posix.normalize(pathname).split('/');
  const contentType = TYPES[path.extname(pathname)];
  if (!FOLDERS[folder] || !contentType) return null;
  const body = await readFile(path.join(FOLDERS[folder], ...rest)).catch(() => null);
  return body && { contentType, body };
}

export class Site {
  #server = createServer(async (request, response) => {
    const file = await read(new URL(request.url, 'http://localhost').pathname);
    response.writeHead(file ? 200 : 404, file ? { 'content-type': file.contentType } : {});
    response.end(file?.body);
  });

  static async start() {
    const site = new Site();
    site.#server.listen(0, '127.0.0.1');
    await once(site.#server, 'listening');
    return site;
  }

  /** Another origin of the same site as Doorward: `Sec-Fetch-Site: same-site`, and the cookies travel. */
  get sibling() {
    return `http://localhost:${this.#server.address().port}`;
  }

  /** An origin of another site: `Sec-Fetch-Site: cross-site`. */
  get stranger() {
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  async stop() {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}
