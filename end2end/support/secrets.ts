// What must stay in the wallet's worker, and a search for it in any text, however it is written there.

/** Something that must not be found; its name is what a failing test prints, never the secret itself. */
export interface Secret {
  name: string;
  found(text: string): boolean;
}

/** A text as it is, as hex, as base64 (with either alphabet), percent-encoded, and inside JSON. */
export function text(name: string, secret: string): Secret {
  const bytes = Buffer.from(secret, 'utf8');
  return anyOf(name, [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), ...written(bytes)]);
}

/** Bytes as hex and base64, in any place of what was encoded. */
export function bytes(name: string, secret: Buffer): Secret {
  return anyOf(name, written(secret));
}

/** Three words of a phrase in a row, whatever stands between them, elements of a page too; in order, or backwards. */
export function phrase(name: string, words: string[]): Secret[] {
  const backwards = [...words].reverse();
  const rows = [words, backwards].flatMap((row) => row.slice(2).map((_, start) => row.slice(start, start + 3)));
  const pattern = new RegExp(rows.map((row) => row.join('[^a-z]{1,16}')).join('|'), 'i');
  return [{ name, found: (text) => pattern.test(text) || pattern.test(text.replace(/<[^<>]*>/g, ' ')) }];
}

/** The marks of private keys that nothing encrypts. */
export const keyFiles: Secret = {
  name: 'a private key in the clear',
  found: (text) => /-----BEGIN (RSA |EC )?PRIVATE KEY|"primes"\s*:|xprv[1-9A-HJ-NP-Za-km-z]{50}/.test(text),
};

/** A prime factor of an RSA modulus, big-endian, in any hex or base64 of the text. */
export function primesOf(name: string, modulus: bigint): Secret {
  const size = modulus.toString(16).length / 4; // bytes of a prime
  const found = (text: string) => {
    const hex = (text.match(/[0-9a-f]{64,}/gi) ?? []).flatMap((run) => [run, run.slice(1)]).map((run) => Buffer.from(run, 'hex'));
    const base64 = (text.match(/[A-Za-z0-9+/_-]{86,}/g) ?? []).flatMap((run) => [0, 1, 2, 3].map((skip) => Buffer.from(run.slice(skip), 'base64')));
    return [...hex, ...base64].some((buffer) => dividedWithin(buffer, size, modulus));
  };
  return { name, found };
}

/**
 * Whether some window of the bytes is a proper divisor. A prime of half the modulus's bits has its highest and its lowest bit set;
 * OpenSSL's begin at the square root of one half, so the second highest need not be.
 */
function dividedWithin(buffer: Buffer, size: number, modulus: bigint): boolean {
  for (let start = 0; start + size <= buffer.length; start++) {
    if (buffer[start]! < 0x80 || buffer[start + size - 1]! % 2 === 0) continue;
    const candidate = BigInt(`0x${buffer.toString('hex', start, start + size)}`);
    if (candidate !== modulus && modulus % candidate === 0n) return true;
  }
  return false;
}

function anyOf(name: string, forms: string[]): Secret {
  const wanted = [...new Set(forms.filter((form) => form.length >= 8).map((form) => form.toLowerCase()))];
  return { name, found: (text) => wanted.some((form) => text.toLowerCase().includes(form)) };
}

/** Hex, and base64 at each of the three places that a byte can have in it, without the characters that its neighbours share. */
function written(secret: Buffer): string[] {
  const shifted = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), secret]).toString('base64').replace(/=+$/, '');
    return text.slice(Math.ceil((shift * 4) / 3), (secret.length + shift) % 3 === 0 ? undefined : -1);
  });
  const url = shifted.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'));
  return [secret.toString('hex'), secret.toString('base64'), ...shifted, ...url];
}
