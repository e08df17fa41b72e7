//! Accounts of the PUBLIC test phrase that sign transfers for the benches.

use std::time::Instant;

use anyhow::Context as _;
use rayon::prelude::*;
use tally_chain::spec::{Allocation, ConsensusSpec};
use tally_chain::transaction::ChainIdentity;
use tally_chain::{Address, Amount, Bytes, ChainSpec, RawBlock, RawTransaction, U256, UnixSecs, genesis};
use tally_node::verifier::{SignatureCache, TransactionChecker};
use tally_wallet::{Account, ChainBinding, Fee, KeyKind, Payment, Phrase, SigningKey, Vault, payment, system_rng};

/// PUBLIC: the keys of this phrase are published.
const PUBLIC_PHRASE: &str = "test test test test test test test test test test test junk";

/// What the benches offer: enough for any base fee they cause.
pub const FEE: Fee = Fee {
    max_priority_fee: 1_000_000_000,
    max_fee: 500_000_000_000,
};

/// Accounts with their keys.
pub struct Signers {
    pub identity: ChainIdentity,
    pub accounts: Vec<(Account, SigningKey)>,
}

impl Signers {
    /// The first `count` accounts of one kind. RSA keys are searched on all cores: a fraction of a second each.
    pub fn new(kind: KeyKind, count: u32) -> anyhow::Result<Self> {
        let phrase = Phrase::parse(PUBLIC_PHRASE)?;
        let binding = ChainBinding {
            genesis: tally_chain::BlockId::ZERO,
            chain_id: 1,
            name: "bench".to_owned(),
        };
        let mut vault = Vault::new(phrase, "", binding, UnixSecs(0));
        match kind.rsa_bits() {
            None => (0..count).try_for_each(|_| vault.add_secp256k1("").map(drop))?,
            Some(bits) => {
                let seed = vault.phrase().seed("");
                let searches = (0..count)
                    .map(|index| seed.rsa(bits, index))
                    .collect::<Result<Vec<_>, _>>()?;
                let found: Vec<_> = searches
                    .into_par_iter()
                    .map(|search| (search.index(), search.finish()))
                    .collect();
                found
                    .into_iter()
                    .try_for_each(|(index, key)| vault.add_rsa(index, key, "").map(drop))?;
            }
        }
        let accounts: Vec<Account> = vault.accounts().cloned().collect();
        let keys = accounts
            .iter()
            .map(|account| vault.signing_key(account.address))
            .collect::<Result<Vec<_>, _>>()?;
        let identity = ChainIdentity {
            chain_id: 1,
            genesis: tally_chain::BlockId::ZERO,
        };
        Ok(Self {
            identity,
            accounts: accounts.into_iter().zip(keys).collect(),
        })
    }

    /// Signs for this chain from now on.
    pub fn on(mut self, identity: ChainIdentity) -> Self {
        self.identity = identity;
        self
    }

    pub fn addresses(&self) -> impl Iterator<Item = Address> + '_ {
        self.accounts.iter().map(|(account, _)| account.address)
    }

    /// One signed transfer.
    pub fn transfer(
        &self,
        from: usize,
        to: Address,
        value: Amount,
        nonce: u64,
        time: UnixSecs,
    ) -> anyhow::Result<Bytes> {
        let (account, key) = self.accounts.get(from).context("there is no such signer")?;
        let payment = Payment {
            to,
            value,
            memo: String::new(),
            nonce,
            timestamp: time,
            fee: FEE,
        };
        let payload = payment::build(&self.identity, account, &payment)?;
        Ok(payment::sign(&self.identity, account.address, key, &payload, &mut system_rng())?.envelope)
    }

    /// Signature checks a second, on all cores, of the transactions in these blocks: decoded before, remembered nowhere.
    pub fn check_rate(&self, blocks: &[Vec<u8>]) -> anyhow::Result<f64> {
        let mut transactions = Vec::new();
        for block in blocks {
            transactions.extend(RawBlock::decode(block, u64::MAX)?.transactions);
        }
        self.check_rate_of(transactions)
    }

    /// The same of single envelopes.
    pub fn check_rate_of(&self, transactions: Vec<RawTransaction>) -> anyhow::Result<f64> {
        let checker = TransactionChecker::with_cache(self.identity, SignatureCache::new(0));
        let (count, begun) = (transactions.len(), Instant::now());
        let checked = checker.check_all(transactions);
        checked.map_err(|(index, error)| anyhow::anyhow!("transfer {index}: {error}"))?;
        Ok(count as f64 / begun.elapsed().as_secs_f64())
    }

    /// `count` transfers of one base unit from each account in turn, signed on all cores; nonces from `nonces` on.
    pub fn transfers(&self, count: usize, nonces: &[u64], time: UnixSecs) -> anyhow::Result<Vec<Bytes>> {
        let accounts = self.accounts.len();
        let to = Address::repeat_byte(0xbe);
        (0..count)
            .into_par_iter()
            .map(|at| {
                let (from, round) = (at % accounts, (at / accounts) as u64);
                self.transfer(from, to, Amount(U256::ONE), nonces[from] + round, time)
            })
            .collect()
    }
}

/// A chain of one-second blocks that one core meets, on which these accounts hold money.
pub fn chain(addresses: impl Iterator<Item = Address>) -> anyhow::Result<ChainSpec> {
    let mut spec = ChainSpec::built_in("test")?;
    spec.name = "bench".to_owned();
    spec.chain_id = 8_599;
    let balance = Amount::from_coins("1000000")?;
    spec.allocations = addresses
        .map(|address| Allocation {
            address,
            balance,
            label: String::new(),
        })
        .collect();
    match &mut spec.consensus {
        ConsensusSpec::Pow(pow) => pow.half_life = 8,
    }
    // Read back: a spec is checked where it is read.
    Ok(ChainSpec::from_toml(&spec.to_toml())?)
}

/// What signatures on a chain are bound to.
pub fn identity(spec: &ChainSpec) -> ChainIdentity {
    genesis::identity(spec)
}
