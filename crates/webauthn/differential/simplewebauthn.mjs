// Asks @simplewebauthn/server: one case a line on standard input, one answer a line on standard output:
// null where it accepts, or its reason.

import { readFileSync, writeFileSync } from "node:fs";
import { webcrypto } from "node:crypto";

// Node.js 18 has it under this name only.
globalThis.crypto ??= webcrypto;

const { verifyAuthenticationResponse, verifyRegistrationResponse } = await import("@simplewebauthn/server");
const { isoBase64URL } = await import("@simplewebauthn/server/helpers");

// What src/testing/generator/mod.rs says of all cases.
const CHALLENGE = Buffer.from("\xfb\xefsixteen bytes\xff", "latin1").toString("base64url");

async function ask({ profile, response: text, stored }) {
  const response = JSON.parse(text);
  const common = {
    response,
    expectedChallenge: CHALLENGE,
    expectedOrigin: "https://example.org",
    expectedRPID: "example.org",
    requireUserVerification: profile !== "UvPreferred",
  };
  if (!stored) {
    return verifyRegistrationResponse({ ...common, supportedAlgorithmIDs: [-8, -7, -257] });
  }
  // Finding the credential is left to the caller.
  if (response.id !== stored.id) {
    throw new Error("No credential has this id");
  }
  return verifyAuthenticationResponse({
    ...common,
    expectedTopOrigin: profile === "Framed" ? "https://example.com" : undefined,
    credential: { id: stored.id, publicKey: isoBase64URL.toBuffer(stored.publicKey), counter: stored.counter },
  });
}

const answers = [];
for (const line of readFileSync(0, "utf8").split("\n")) {
  if (line === "") continue;
  try {
    const { verified } = await ask(JSON.parse(line));
    answers.push(verified ? null : "Not verified");
  } catch (error) {
    // Through bytes, because messages quote their input and may cut a character in two.
    answers.push(Buffer.from(String(error.message)).toString());
  }
}
writeFileSync(1, answers.map((answer) => JSON.stringify(answer) + "\n").join(""));
