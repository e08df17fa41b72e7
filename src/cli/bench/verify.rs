//! `tally bench verify`.

use std::time::{Duration, Instant};

use aws_lc_rs::signature::{ParsedPublicKey, RSA_PSS_2048_8192_SHA256};
use clap::Args;
use secp256k1::{Message, PublicKey, ecdsa};
use sha2::{Digest, Sha256};
use tally_chain::transaction::{Authenticator, Transaction};
use tally_chain::{Bytes, RawTransaction, UnixSecs};
use tally_node::verifier::{SignatureCache, TransactionChecker};
use tally_wallet::KeyKind;

use super::Figures;
use super::signers::Signers;

#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Seconds for each figure
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Different transactions of each kind
    #[arg(long, default_value_t = 200)]
    transactions: usize,
}

pub fn run(args: &VerifyArgs) -> anyhow::Result<Figures> {
    let time = Duration::from_secs(args.seconds.max(1));
    let mut figures = Vec::new();
    for (kind, ours, bare) in [
        (KeyKind::Rsa2048, "rsa_2048_checks", "rsa_2048_aws_lc_verify"),
        (KeyKind::Secp256k1, "secp256k1_checks", "secp256k1_libsecp256k1_verify"),
    ] {
        let signers = Signers::new(kind, 4)?;
        let count = args.transactions.max(1);
        let envelopes = signers.transfers(count, &[0; 4], UnixSecs(1_800_000_000))?;
        figures.push((
            ours,
            rate(time, count, || checks(&signers, &envelopes))?,
            "/s on one core",
        ));
        let prepared = envelopes
            .iter()
            .map(|envelope| Bare::of(&signers, envelope))
            .collect::<anyhow::Result<Vec<_>>>()?;
        figures.push((
            bare,
            rate(time, count, || Ok(prepared.iter().all(Bare::verify)))?,
            "/s on one core",
        ));
    }
    Ok(Figures {
        bench: "verify",
        figures,
    })
}

fn rate(time: Duration, each: usize, round: impl Fn() -> anyhow::Result<bool>) -> anyhow::Result<f64> {
    let (begun, mut done) = (Instant::now(), 0usize);
    while begun.elapsed() < time {
        anyhow::ensure!(round()?, "a signature made here did not verify");
        done += each;
    }
    Ok(done as f64 / begun.elapsed().as_secs_f64())
}

/// What the node does with a transaction it has never seen: decode, check the rules, verify.
fn checks(signers: &Signers, envelopes: &[Bytes]) -> anyhow::Result<bool> {
    // A checker that remembers nothing.
    let checker = TransactionChecker::with_cache(signers.identity, SignatureCache::new(0));
    for envelope in envelopes {
        checker.check_one(RawTransaction::decode(envelope.clone())?)?;
    }
    Ok(true)
}

/// A signature with everything parsed beforehand.
enum Bare {
    Rsa {
        key: ParsedPublicKey,
        message: Vec<u8>,
        signature: Vec<u8>,
    },
    Ecc {
        key: PublicKey,
        message: Message,
        signature: ecdsa::Signature,
    },
}

impl Bare {
    fn of(signers: &Signers, envelope: &Bytes) -> anyhow::Result<Self> {
        let raw = RawTransaction::decode(envelope.clone())?;
        let Transaction::Tally(tally) = raw.transaction() else {
            anyhow::bail!("the benches sign only type 0x54")
        };
        let sender = tally.sender(&tally_chain::ReferenceVerifier)?;
        let message = tally.payload.signed_message(&signers.identity.genesis, &sender);
        match &tally.authenticator {
            Authenticator::RsaPssSha256 { public_key, signature } => {
                let key = ParsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, public_key.pkcs1())
                    .map_err(|error| anyhow::anyhow!("the key does not parse: {error}"))?;
                Ok(Self::Rsa {
                    key,
                    message,
                    signature: signature.clone(),
                })
            }
            Authenticator::Secp256k1 { public_key, signature } => Ok(Self::Ecc {
                key: PublicKey::from_byte_array_compressed(*public_key)?,
                message: Message::from_digest(Sha256::digest(&message).into()),
                signature: ecdsa::Signature::from_compact(signature)?,
            }),
            Authenticator::Multisig(_) => anyhow::bail!("the benches sign with one key"),
        }
    }

    fn verify(&self) -> bool {
        match self {
            Self::Rsa {
                key,
                message,
                signature,
            } => key.verify_sig(message, signature).is_ok(),
            Self::Ecc {
                key,
                message,
                signature,
            } => ecdsa::verify(signature, *message, key).is_ok(),
        }
    }
}
