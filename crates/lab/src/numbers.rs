//! PUBLIC: RSA numbers that the laboratory signs and attacks with. They are printed here, so nobody may use them.

use alloy_primitives::hex;

/// A prime of 1,024 bits.
pub(crate) const PRIME_P: [u8; 128] = hex!(
    "f2b5e80c805ffc3024cbd1d2a87b843775c5e63dfeebfb0f3b96e19a7b4b9c98932a9a642926a8053e012dae345184eb"
    "c3029c4cec8ed9a1efd9cdb9ab4fd3f7ad50452c70eecd185d325a08947340bc9d7abc04a4b11b471d94a95f1f8296a3"
    "e48a86579280d980952c9ac9eb94e4fe994bac2bc8be230ca90a2cdcade61b03"
);

/// Another one.
pub(crate) const PRIME_Q: [u8; 128] = hex!(
    "d1faba02a0f88ce94f4468abd2205f590f9236e7eb5d5f4455ee06ba5e7005b3b1406d206baede935c36181eabaeffb3"
    "1cfc9be90cc140e25bd5dfa77129a6dc4e7d90255828cc815f3c22fba04d464c1855d60b6d5bd017d5079bf5d05ddce3"
    "b81e49ed35557f93f41fc904cce65d701aa8352fb9776c9fbc45ad60e92d7413"
);

/// A third one.
pub(crate) const PRIME_R: [u8; 128] = hex!(
    "c70bb6bc1b54b583eb6899b7337bfeea55e7f4839f30a6823d82a578536c8580b6f8c4d4213688c99c49a54a14770e42"
    "23825af6d7eb53e7167a547c97d16697cf49eb66138d09fd4a98c6ccf81259e1021f5939e8a5371602eda8ab015866a5"
    "b94b115147643340404f7a56e79729c8d373a0a2f26caee94f45d029ee7a32d9"
);

/// A prime of 512 bits: two of them make a key of 1,024.
pub(crate) const SMALL_P: [u8; 64] = hex!(
    "f82476828013bc2e79d88113df688329820dbfbc5e9296d3bf7f6c951b1371ee786cf4f2734751dddb00ab1ef59b2ef2"
    "9a5a1c59a4f96100307d6880fd350a43"
);

/// The other one.
pub(crate) const SMALL_Q: [u8; 64] = hex!(
    "d95176f979d2dfd984322e9fdbda3bcbbd50285ad12be21d212d949d316a393ab69374b2a80dc5a892d5406936ae9a84"
    "fbb81af92724dd556f8227b0262ed52b"
);

/// A prime of 1,024 bits that fits the exponent 3: it is 2 modulo 3.
pub(crate) const CUBE_P: [u8; 128] = hex!(
    "cf6f356945814f7eecdb6ad12f89213daac7987fbb68ee03bccf8e4c0c9de9139c083302d27b02f1c57e1b58efa8b5e6"
    "db78aa2ae51e822e6c7bf99cc6ee480c3aaa9deb3634077644d761a388d325edf0dd9f960eb80d9d0a5f062a09787d43"
    "12df8932bc8548180aacf37869cbcc7265def2eb6bc715efbb0a151d013dbc6d"
);

/// Another one.
pub(crate) const CUBE_Q: [u8; 128] = hex!(
    "c29ca543516b8eb1130cd86578e44e81f18523a43f604241b2ae85d48f082c86795de20005c22dfdecf67ef3d98e74a0"
    "e6aa5aaf11c6f11d326fd7ed4be0dd0f275f8314e1c3ccd59fc2c6d0f67eb19abcee120b3024bef537afef397220dcf1"
    "0344492ad7978f23749eda2f3809d42549663a9dc4cb67e544cd666144aeb0f5"
);

/// A modulus as chips with the ROCA fault made it: both primes are `k M + (65537^a mod M)`, with M the product of the
/// first 126 primes.
pub(crate) const ROCA_MODULUS: [u8; 256] = hex!(
    "a79af3e1b2ab90f98503f5d3fd7f0aa365ed114be4d4b0e20c35d35dfd530143c14304d9dc6956525076dc14af843d06"
    "1329565780e13a69928d3b879695b485a0eefb43e84fabcccd45748b20f882b4610a01291cdd7c13aab7f342d41a34a6"
    "be333f1d131fafb1518831d43f5c0ce6eb90c97d16c134d5d54392b41e23bbed6d686cc45af37244d552ded7f7a6a92f"
    "165e82c1c294192e0ec01b7716da721bd1f40c8731dc8c62e70e1173a91279fc459357a9a0606a448271727abb3e1287"
    "44a3ca9bf83eb89405ac19d28a9451d99a4fedf02022fc4560bdbc4aa673acc943bfdea91c361f18be56f1d25210dd88"
    "2b11c739c98804820d76d506ec5ffbd5"
);
