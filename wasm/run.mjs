// Runs vectors in the module that `cargo xtask wasm-tests` has built: node wasm/run.mjs MODULE CORPORA [--all]
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRequire } from 'node:module';

const [module, corpora, flag] = process.argv.slice(2);
const { state_tests: stateTests, check_claims: checkClaims, precompiles } = createRequire(import.meta.url)(module);
const all = flag === '--all';

/** One file of so many is run where not all are. */
const EACH = 8;

function* files(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* files(path);
    else if (entry.name.endsWith('.json')) yield path;
  }
}

let [cases, wrong] = [0, []];
const paths = [...files(join(corpora, 'ethereum-tests/GeneralStateTests'))];
for (const path of paths.filter((_, at) => all || at % EACH === 0)) {
  const [count, ...found] = stateTests(readFileSync(path)).split('\n');
  cases += Number(count);
  wrong.push(...found);
}
console.log(`state tests: ${cases} cases of ${paths.length} files, ${wrong.length} wrong`);

const pinned = readFileSync(new URL('../crates/ledger/src/tests/precompiles.txt', import.meta.url), 'utf8').replace(/\n$/, '').split('\n');
const answers = precompiles().split('\n');
pinned.forEach((line, at) => line === answers[at] || wrong.push(`precompile ${answers[at]}, natively ${line}`));
if (pinned.length !== answers.length) wrong.push(`${answers.length} answers of precompiles, natively ${pinned.length}`);
console.log(`precompiles: ${answers.length} answers`);

const field = (bytes) => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
};

// Signatures: RSASSA-PSS with SHA-256 and a salt of 32 bytes (rule A5).
let signatures = 0;
for (const name of readdirSync(join(corpora, 'wycheproof')).sort()) {
  const bits = Number(/^rsa_pss_(\d+)_sha256_mgf1_32_test\.json$/.exec(name)?.[1]);
  if (![2048, 3072, 4096].includes(bits)) continue;
  const groups = JSON.parse(readFileSync(join(corpora, 'wycheproof', name))).testGroups;
  for (const group of groups) {
    const key = Buffer.from(group.publicKeyDer, 'hex');
    for (const { tcId, msg, sig, result } of group.tests) {
      const signature = Buffer.from(sig, 'hex');
      // Another length is rejected before any arithmetic.
      if (signature.length !== bits / 8) continue;
      const claim = Buffer.concat([Buffer.of(1), field(key), field(Buffer.from(msg, 'hex')), field(signature)]);
      const [verdict] = checkClaims(claim);
      signatures += 1;
      if (Boolean(verdict) !== (result === 'valid')) wrong.push(`RSA-${bits} ${tcId}: ${verdict}, expected ${result}`);
    }
  }
}
console.log(`RSA signatures: ${signatures}`);

// ECDSA (rules A6 and T10): an s above half of the order is rejected before any arithmetic, its negative is the same signature.
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const FIELD = 2n ** 256n - 2n ** 32n - 977n;
const number = (bytes) => BigInt(`0x${bytes.toString('hex')}`);
const bytesOf = (number) => Buffer.from(number.toString(16).padStart(64, '0'), 'hex');
let [points, recovered] = [0, 0];
for (const group of JSON.parse(readFileSync(join(corpora, 'wycheproof/ecdsa_secp256k1_sha256_p1363_test.json'))).testGroups) {
  const point = Buffer.from(group.publicKey.uncompressed, 'hex').subarray(1);
  const key = Buffer.concat([Buffer.of(2 + (point[63] & 1)), point.subarray(0, 32)]);
  for (const { tcId, comment, msg, sig, result } of group.tests) {
    const signature = Buffer.from(sig, 'hex');
    if (signature.length !== 64) continue;
    const [r, s] = [signature.subarray(0, 32), number(signature.subarray(32))];
    if (s >= ORDER || s === 0n || number(r) >= ORDER || number(r) === 0n) continue;
    const low = Buffer.concat([r, bytesOf(s > ORDER / 2n ? ORDER - s : s)]);
    const digest = createHash('sha256').update(Buffer.from(msg, 'hex')).digest();
    const [verdict] = checkClaims(Buffer.concat([Buffer.of(2), key, digest, low]));
    points += 1;
    if (Boolean(verdict) !== (result === 'valid')) wrong.push(`ECDSA ${tcId}: ${verdict}, expected ${result}`);
    // Where the point's x may have been above the order, r has lost it, and no parity leads back to the key.
    if (result !== 'valid' || comment.includes('r,s are large') || number(r) < FIELD - ORDER) continue;
    const found = [0, 1].map((odd) => Buffer.from(checkClaims(Buffer.concat([Buffer.of(3), digest, low, Buffer.of(odd)]))));
    recovered += 1;
    if (!found.some((answer) => answer[0] === 1 && answer.subarray(1).equals(point))) wrong.push(`ECDSA ${tcId}: the key is not recovered`);
  }
}
console.log(`ECDSA signatures: ${points}, ${recovered} of them lead back to their key`);
if (points < 180 || recovered < 140) wrong.push(`${points} ECDSA signatures, ${recovered} recovered: vectors are missing`);
if (cases === 0 || signatures === 0 || wrong.length > 0) {
  console.error(wrong.slice(0, 20).join('\n') || 'no case was run');
  process.exit(1);
}
