/** A real server, with a port and a data folder of its own. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const PATIENCE = 10_000;

/** Mail that brings a code has it alone on its first line. */
const CODE = /^\d{4} ?\d{4}\n/;

export class Doorward {
  #process;
  #folder;
  #log = '';
  #read = new Set();

  constructor(command, port, folder, origins, settings) {
    /** Where its pages are. Passkeys are made for `localhost`, so 127.0.0.1 will not do. */
    this.origin = `http://localhost:${port}`;
    this.#folder = folder;
    const [program, ...words] = [...command, 'serve'];
    this.#process = spawn(program, words, {
      cwd: folder,
      env: {
        PATH: process.env.PATH,
        DOORWARD_LISTEN: `127.0.0.1:${port}`,
        DOORWARD_PUBLIC_URL: this.origin,
        DOORWARD_ORIGINS: origins.join(','),
        DOORWARD_DATA_DIR: folder,
        DOORWARD_LOG__FORMAT: 'json',
        // The tests ask for several codes in a row.
        DOORWARD_LIMITS__ADDRESS_INTERVAL: '0s',
        ...settings,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const output of [this.#process.stdout, this.#process.stderr]) {
      output.setEncoding('utf8').on('data', (text) => (this.#log += text));
    }
    this.#process.on('error', (error) => (this.#log += error));
  }

  /**
   * Starts a server that other `origins` may call too, with further `settings` as variables of its environment, `under`
   * another program if need be, and waits until it answers.
   */
  static async start({ origins = [], settings = {}, under = [] } = {}) {
    const folder = await mkdtemp(path.join(tmpdir(), 'doorward-e2e-'));
    const doorward = new Doorward([...under, program()], await freePort(), folder, origins, settings);
    try {
      await doorward.#ready();
      return doorward;
    } catch (error) {
      await doorward.stop();
      throw error;
    }
  }

  /** What it has said so far. */
  get log() {
    return this.#log;
  }

  /** What it answered last, by its log: `{ method, route, status }`, also where the browser keeps that from the page. */
  get lastAnswer() {
    const answers = this.#log.split('\n').filter((line) => line.includes('"message":"answered"'));
    const { method, route, status } = JSON.parse(answers.at(-1));
    return { method, route, status };
  }

  /** The code that was mailed to this address since the last one that was read here. */
  async code(email) {
    const deadline = Date.now() + PATIENCE;
    while (Date.now() < deadline) {
      const [code] = (await this.mail(email)).filter(({ id, text }) => CODE.test(text) && !this.#read.has(id));
      if (code) {
        this.#read.add(code.id);
        return code.text.split('\n')[0];
      }
      await pause(20);
    }
    throw new Error(`no code was mailed to ${email}`);
  }

  /** What was mailed to this address, newest first. */
  async mail(email) {
    const url = new URL('/dev/mailbox.json', this.#address);
    url.searchParams.set('to', email);
    const response = await fetch(url);
    if (!response.ok) throw new Error(`the mailbox answers ${response.status}`);
    return response.json();
  }

  /** Calls an operation without a browser. */
  async call(method, path, body, token) {
    const headers = { 'content-type': 'application/json', connection: 'close' };
    if (token) headers.authorization = `Bearer ${token}`;
    const response = await fetch(new URL(path, this.#address), { method, headers, body: body && JSON.stringify(body) });
    return { status: response.status, body: response.status === 204 ? null : await response.json() };
  }

  async stop() {
    if (this.#runs) {
      this.#process.kill('SIGTERM');
      const late = setTimeout(() => this.#process.kill('SIGKILL'), PATIENCE);
      await once(this.#process, 'exit');
      clearTimeout(late);
    }
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** The same server by number, for Node, which may take `localhost` for ::1. */
  get #address() {
    return this.origin.replace('localhost', '127.0.0.1');
  }

  get #runs() {
    return this.#process.pid !== undefined && this.#process.exitCode === null && this.#process.signalCode === null;
  }

  async #ready() {
    const deadline = Date.now() + PATIENCE;
    while (Date.now() < deadline && this.#runs) {
      const answer = await fetch(new URL('/healthz', this.#address)).catch(() => null);
      if (answer?.ok) return;
      await pause(20);
    }
    throw new Error(`Doorward did not start:\n${this.#log}`);
  }
}

function program() {
  const built = (profile) => fileURLToPath(new URL(`../target/${profile}/doorward`, import.meta.url));
  const found = [process.env.DOORWARD_BIN, built('release'), built('debug')].find((file) => file && existsSync(file));
  if (!found) throw new Error('no server to test: `cargo build --release -p doorward-cli`, or name one in DOORWARD_BIN');
  return path.resolve(found);
}

async function freePort() {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address();
  listener.close();
  await once(listener, 'close');
  return port;
}
