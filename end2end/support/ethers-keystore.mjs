// One JSON question on standard input, one JSON answer: opens and writes keystores with ethers.
// Used by crates/wallet/tests/keystore_outside.rs.
import { text } from 'node:stream/consumers';

import { Wallet, decryptKeystoreJson, encryptKeystoreJson } from 'ethers';

if (process.argv[2] !== '--there') {
  const question = JSON.parse(await text(process.stdin));
  let answer;
  if (question.open) {
    const { privateKey } = await decryptKeystoreJson(question.open, question.password);
    answer = { secret: privateKey.slice(2) };
  } else if (question.kdf === 'scrypt') {
    const account = new Wallet(`0x${question.keep}`);
    answer = { file: await encryptKeystoreJson(account, question.password, {}) };
  } else {
    answer = { cannot: question.kdf }; // ethers writes scrypt only
  }
  process.stdout.write(JSON.stringify(answer));
}
