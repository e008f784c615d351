// What the disk has been asked for before anyone is told: watched from outside, system call by system call.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from '@playwright/test';
import { Doorward } from '../doorward.js';

/**
 * The answers that left while the write-ahead log held writes that no completed `fdatasync` covers.
 *
 * A sync covers the writes that were made before it began.
 */
function answersBeforeTheDisk(trace) {
  const answers = [];
  let [written, covered] = [0, 0];
  const begun = new Map();
  for (const line of trace) {
    const [, thread, call] = line.match(/^(\d+) +(.*)$/) ?? [];
    if (/^pwrite64\(\d+<[^>]*-wal>/.test(call)) {
      written += 1;
    } else if (/^f(data)?sync\(\d+<[^>]*-wal>/.test(call)) {
      if (call.includes('unfinished')) begun.set(thread, written);
      else covered = written;
    } else if (/^<\.\.\. f(data)?sync resumed>/.test(call) && begun.has(thread)) {
      covered = Math.max(covered, begun.get(thread));
      begun.delete(thread);
    } else if (/HTTP\/1\.1 20[14]/.test(call)) {
      answers.push(covered === written);
    }
  }
  return answers;
}

// Item 138: no answer that acknowledges a change leaves before the log is on disk.
test('what was acknowledged has been on disk before', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'doorward-trace-'));
  const file = path.join(folder, 'trace');
  // As a grandchild (-D), so that the server is the one that is started and stopped.
  const under = ['strace', '-D', '-f', '-qq', '-y', '-s', '24', '-o', file];
  under.push('-e', 'trace=pwrite64,fdatasync,fsync,write,writev,sendto,sendmsg');
  const doorward = await Doorward.start({ under });
  const email = 'ada@example.com';
  const signIn = async () => {
    await doorward.call('POST', '/auth/verify', { email });
    // The mailbox waits until nothing more is written on account of the mail.
    const token = await doorward.code(email);
    const answer = await doorward.call('POST', '/auth/sessions', { method: 'otp', email, token });
    expect(answer.status).toBe(201);
    return answer.body;
  };
  const [first, second, third] = [await signIn(), await signIn(), await signIn()];
  const acknowledged = [
    await doorward.call('DELETE', `/auth/sessions/${second.session.id}`, undefined, first.token),
    await doorward.call('DELETE', '/auth/sessions/others', undefined, first.token),
    await doorward.call('DELETE', '/auth/sessions', undefined, first.token),
  ];
  expect(acknowledged.map(({ status }) => status)).toEqual([204, 204, 204]);
  expect((await doorward.call('GET', '/auth/sessions', undefined, third.token)).status).toBe(401);
  await doorward.stop();

  const trace = (await readFile(file, 'utf8')).split('\n');
  await rm(folder, { recursive: true });
  // Three sign-ins after three codes, and three ends of sessions; behind a code its mail is under way at once.
  const answers = answersBeforeTheDisk(trace);
  expect(answers).toHaveLength(9);
  expect([answers[1], answers[3], answers[5], ...answers.slice(6)]).toEqual(Array(6).fill(true));

  // The check would notice: the same trace with every sync taken out.
  const careless = answersBeforeTheDisk(trace.filter((line) => !/f(data)?sync/.test(line)));
  expect(careless).toEqual(Array(9).fill(false));
});
