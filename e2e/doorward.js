/** A real server, with a port and a data folder of its own. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const PATIENCE = 10_000;

/** Mail that brings a code has it alone on its first line. */
const CODE = /^\d{4} ?\d{4}\n/;

/** What a length of time is written with, in seconds. */
const UNITS = { s: 1, m: 60, h: 60 * 60, d: 24 * 60 * 60 };

export class Doorward {
  #process;
  #folder;
  #env;
  #log = '';
  #read = new Set();
  #ahead = 0;

  constructor(under, port, folder, origins, settings) {
    /** Where its pages are. Passkeys are made for `localhost`, so 127.0.0.1 will not do. */
    this.origin = `http://localhost:${port}`;
    this.#folder = folder;
    this.#env = {
      PATH: process.env.PATH,
      DOORWARD_LISTEN: `127.0.0.1:${port}`,
      DOORWARD_PUBLIC_URL: this.origin,
      DOORWARD_ORIGINS: origins.join(','),
      DOORWARD_DATA_DIR: folder,
      DOORWARD_LOG__FORMAT: 'json',
      // The tests ask for several codes in a row.
      DOORWARD_LIMITS__ADDRESS_INTERVAL: '0s',
      ...settings,
    };
    this.#process = this.#spawn(...under, program(), 'serve');
    for (const output of [this.#process.stdout, this.#process.stderr]) {
      output.setEncoding('utf8').on('data', (text) => (this.#log += text));
    }
    this.#process.on('error', (error) => (this.#log += error));
  }

  /**
   * Starts a server that other `origins` may call too, with further `settings` as variables of its environment, `under`
   * another program if need be, and waits until it answers. With a `movableClock`, time can be had to pass: `advance`.
   */
  static async start({ origins = [], settings = {}, under = [], movableClock = false } = {}) {
    const folder = await mkdtemp(path.join(tmpdir(), 'doorward-e2e-'));
    const clock = movableClock ? await movable(clockFile(folder)) : {};
    const doorward = new Doorward(under, await freePort(), folder, origins, { ...clock, ...settings });
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

  /**
   * Lets time pass for the server, by `30s`, `11m`, `2h` or `31d`; gives back how many seconds that is. It must have been
   * started with a movable clock.
   */
  async advance(span) {
    if (!this.#env.FAKETIME_TIMESTAMP_FILE) throw new Error('this clock cannot be moved: test.use({ movableClock: true })');
    const [, count, unit] = span.match(/^(\d+)([smhd])$/);
    const seconds = count * UNITS[unit];
    this.#ahead += seconds;
    await setClock(clockFile(this.#folder), this.#ahead);
    return seconds;
  }

  /** Runs a command of its administration on its database: what that prints. */
  async run(...words) {
    const command = this.#spawn(program(), ...words);
    let [output, complaints] = ['', ''];
    command.stdout.setEncoding('utf8').on('data', (text) => (output += text));
    command.stderr.setEncoding('utf8').on('data', (text) => (complaints += text));
    const [code] = await once(command, 'close');
    if (code !== 0) throw new Error(`doorward ${words.join(' ')} ends with ${code}:\n${complaints}`);
    return output;
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

  #spawn(program, ...words) {
    return spawn(program, words, { cwd: this.#folder, env: this.#env, stdio: ['ignore', 'pipe', 'pipe'] });
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
  if (!found) throw new Error('no server to test: `cargo build --release`, or name one in DOORWARD_BIN');
  return path.resolve(found);
}

const clockFile = (folder) => path.join(folder, 'clock');

/** The environment in which a program's clock goes as a file says: the real program, under a library of Debian's. */
async function movable(file) {
  const libraries = readdirSync('/usr/lib').map((folder) => `/usr/lib/${folder}/faketime/libfaketimeMT.so.1`);
  const library = libraries.find(existsSync);
  if (!library) throw new Error('no library that moves clocks: apt-get install faketime');
  await setClock(file, 0);
  return {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    // What waits goes on waiting as long as it should.
    DONT_FAKE_MONOTONIC: '1',
  };
}

/** At once, since the server may be reading it. */
async function setClock(file, ahead) {
  await writeFile(`${file}.new`, `+${ahead}s\n`);
  await rename(`${file}.new`, file);
}

async function freePort() {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address();
  listener.close();
  await once(listener, 'close');
  return port;
}
