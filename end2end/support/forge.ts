// Blocks without work, in the form of docs/protocol.md, sections H, M and S.
import { createHash } from 'node:crypto';

import { decodeRlp, encodeRlp, getBytes, hexlify, toBeArray } from 'ethers';

const sha256 = (...parts: (string | Uint8Array)[]) => {
  const hash = createHash('sha256');
  parts.forEach((part) => hash.update(part));
  return hash.digest();
};
const sha256d = (bytes: Uint8Array) => sha256(sha256(bytes));
const number = (value: bigint) => hexlify(toBeArray(value));

/** Of an account without code, keccak256 of nothing. */
const NO_CODE = '0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470';

/** The target of compact bits. Rule: docs/protocol.md#H4 */
export function target(bits: number): bigint {
  return BigInt(bits & 0x7fffff) << BigInt(8 * ((bits >>> 24) - 3));
}

/** An account's answer of the API as it would be if the only account there is held `balance`, in a block made here; its `time` in Unix seconds. */
export function forged(honest: any, address: string, balance: bigint, block: { number: bigint; bits: number; time?: number }): any {
  const value = getBytes(encodeRlp([number(0n), number(balance), NO_CODE]));
  const [key, valueHash] = [sha256('tally/account', getBytes(address)), sha256(value)];
  const manifest = decodeRlp(honest.proof.manifest_hex) as string[];
  manifest[0] = number(block.number);
  manifest[2] = hexlify(sha256(Uint8Array.of(0), key, valueHash));
  const encoded = getBytes(encodeRlp(manifest));
  const header = Buffer.from(getBytes(honest.proof.header_hex));
  // Only genesis has no parent (C3): a block made from its answer gets one.
  if (block.number > 0n && header.subarray(4, 36).every((byte) => byte === 0)) header.fill(7, 4, 36);
  sha256d(encoded).copy(header, 36);
  if (block.time !== undefined) header.writeUInt32LE(block.time, 68);
  header.writeUInt32LE(block.bits, 72);
  const id = () => BigInt(hexlify(sha256d(header).reverse()));
  for (let nonce = 0; id() > target(block.bits) && nonce < 1 << 16; nonce++) header.writeUInt32LE(nonce, 76);
  return {
    ...honest,
    balance: balance.toString(),
    nonce: 0,
    next_nonce: 0,
    pending_cost: '0',
    proof: {
      ...honest.proof,
      key: hexlify(key),
      value: hexlify(value),
      siblings: [],
      leaf: { key: hexlify(key), value_hash: hexlify(valueHash) },
      header_hex: hexlify(header),
      manifest_hex: hexlify(encoded),
    },
  };
}
