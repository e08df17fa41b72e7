//! The proof that a receipt carries, verified for the page. Rule: docs/protocol.md#P8

use tally_api::worker::light::{ProofError, Tip};
use tally_chain::portable::{ChainProof, ReceiptError};
use tally_chain::{BlockId, UnixSecs};

use crate::client::report;

/// Verifies the chain of a receipt from this genesis up to the tip of the proof, which is not yet compared with the receipt's.
/// `chain`: spec and proof as JSON; `now`: this device's clock.
///
/// # Errors
/// What is wrong with it, or that it proves too little, as text for the reader.
pub fn proved(genesis: &str, chain: &str, now: UnixSecs) -> Result<Tip, ProofError> {
    let unread = |what: &str, error: &dyn std::fmt::Display| ProofError::False(format!("{what}: {error}"));
    let genesis = genesis
        .parse::<BlockId>()
        .map_err(|error| unread("the genesis id", &error))?;
    let chain: ChainProof = serde_json::from_str(chain).map_err(|error| unread("chain", &error))?;
    let verified = chain.verify(genesis, now).map_err(|error| match &error {
        ReceiptError::Proof(fault) if fault.needs_all_headers() => ProofError::TooLittle(error.to_string()),
        _ => ProofError::False(error.to_string()),
    })?;
    Ok(report::of(&verified, None))
}

#[cfg(test)]
mod tests {
    use tally_chain::light::forge::{Budget, Chain, genesis_id};
    use tally_chain::light::{Level, prove};
    use tally_chain::spec::ConsensusSpec;
    use tally_chain::{ChainSpec, Height};

    use super::*;

    const NOW: UnixSecs = UnixSecs(4_000_000_000);

    #[test]
    fn a_proof_of_a_receipt_is_verified_without_a_node() {
        let mut spec = ChainSpec::built_in("local").unwrap();
        let ConsensusSpec::Pow(pow) = &mut spec.consensus;
        (pow.pow_limit_bits, pow.initial_bits) = (0x207f_ffff, 0x207f_ffff);
        let mut blocks = Chain::new(&spec);
        assert!(blocks.push_many(12, 10, &mut Budget(u64::MAX)));
        let proof = prove(&spec, &blocks, Height(12))
            .unwrap()
            .bytes(&spec, &blocks)
            .unwrap();
        let genesis = genesis_id(&spec).to_string();
        let text = |proof: Vec<u8>| {
            let chain = ChainProof {
                spec: spec.clone(),
                proof: proof.into(),
            };
            serde_json::to_string(&chain).unwrap()
        };
        let tip = proved(&genesis, &text(proof.clone()), NOW).unwrap();
        assert_eq!(
            (tip.level, tip.height, tip.id),
            (Level::AllHeaders, 12, blocks.tip().id().to_string())
        );

        let rejected = |genesis: &str, chain: &str| match proved(genesis, chain, NOW).unwrap_err() {
            ProofError::False(why) => why,
            other => panic!("{other:?}"),
        };
        // Called a sample, which so short a chain does not have: nothing is proven against it.
        let mut sample = proof.clone();
        sample[9] = 2;
        let little = "chain.proof: rule F1, byte 0: all headers are needed: the chain has 12 blocks; up to 10000 all headers are taken";
        let error = ProofError::TooLittle(little.to_owned());
        assert_eq!(proved(&genesis, &text(sample), NOW), Err(error));
        let cut = rejected(&genesis, &text(proof[..proof.len() - 1].to_vec()));
        assert!(cut.starts_with("chain.proof: rule F3"), "{cut}");
        let foreign = rejected(&blocks.tip().id().to_string(), &text(proof));
        assert!(
            foreign.starts_with("chain.spec: the chain spec has genesis"),
            "{foreign}"
        );
        assert!(rejected("0x12", "{}").starts_with("the genesis id: "));
        assert!(rejected(&genesis, "{}").starts_with("chain: missing field"));
    }
}
