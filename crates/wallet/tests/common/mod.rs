//! What several test files share.
#![allow(dead_code, reason = "every test binary uses a part of this module")]

use tally_chain::transaction::ChainIdentity;
use tally_chain::{BlockId, UnixSecs};
use tally_wallet::{ChainBinding, KdfParams, Phrase, Vault, VaultKey, system_rng};

pub const JUNK: &str = tally_testkit::PUBLIC_PHRASE;

/// The lowest costs that are accepted.
pub const CHEAP: KdfParams = KdfParams {
    m_kib: 8_192,
    t: 1,
    p: 1,
};

pub fn binding() -> ChainBinding {
    ChainBinding {
        genesis: BlockId([0x5a; 32].into()),
        chain_id: 8_086,
        name: "local".into(),
    }
}

pub fn chain() -> ChainIdentity {
    binding().identity()
}

/// A vault with the first RSA-2048 and the first secp256k1 account, in this order.
pub fn vault() -> Vault {
    let mut vault = Vault::new(Phrase::parse(JUNK).unwrap(), "", binding(), UnixSecs(1_800_000_000));
    let search = vault.search(tally_wallet::KeyKind::Rsa2048).unwrap();
    let index = search.index();
    vault.add_rsa(index, search.finish(), "Savings").unwrap();
    vault.add_secp256k1("Everyday").unwrap();
    vault
}

pub fn cheap_key(password: &str) -> VaultKey {
    VaultKey::derive(password, CHEAP, &mut system_rng()).unwrap()
}
