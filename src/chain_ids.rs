//! Chain ids that are taken: an Ethereum-type transaction signed for one chain can be replayed on another of the same id.
//! Rule: docs/protocol.md#T5

use tally_chain::ChainSpec;

/// Public chains with much in use, by EIP-155 id.
const PUBLIC: [(u64, &str); 16] = [
    (1, "Ethereum"),
    (10, "OP Mainnet"),
    (25, "Cronos"),
    (56, "BNB Smart Chain"),
    (61, "Ethereum Classic"),
    (100, "Gnosis"),
    (137, "Polygon"),
    (250, "Fantom"),
    (324, "zkSync Era"),
    (1_337, "Geth and Ganache development chains"),
    (8_453, "Base"),
    (17_000, "Holesky"),
    (31_337, "Hardhat and Anvil development chains"),
    (42_161, "Arbitrum One"),
    (43_114, "Avalanche C-Chain"),
    (11_155_111, "Sepolia"),
];

/// A warning where the chain id of a spec is that of a built-in or of a well-known public chain.
pub fn warning(spec: &ChainSpec) -> Option<String> {
    let public = PUBLIC
        .iter()
        .find(|(id, _)| *id == spec.chain_id)
        .map(|(_, name)| *name);
    let built_in = ["local", "test"].into_iter().find(|name| {
        let known = ChainSpec::built_in(name).ok();
        known.is_some_and(|known| known.chain_id == spec.chain_id && known.hash() != spec.hash())
    });
    let taken = public.or(built_in)?;
    Some(format!(
        "chain id {} is that of {taken}: transactions of Ethereum types (0x01, 0x02 and legacy) that are signed for one of the \
         two chains can be replayed on the other; choose an id that no other chain uses",
        spec.chain_id
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_foreign_ids_are_warned_of() {
        let mut spec = ChainSpec::built_in("local").unwrap();
        assert_eq!(warning(&spec), None, "the built-in chain itself");
        spec.name = "club".to_owned();
        assert!(warning(&spec).unwrap().starts_with("chain id 8547 is that of local:"));
        spec.chain_id = 1;
        assert!(warning(&spec).unwrap().starts_with("chain id 1 is that of Ethereum:"));
        spec.chain_id = 777_777;
        assert_eq!(warning(&spec), None);
    }
}
