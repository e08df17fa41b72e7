//! Accounts whose keys are published.

use alloy_primitives::{Address, address};

/// The first accounts of the phrase `test test … junk`, whose keys are printed in many handbooks.
/// Rule: docs/protocol.md#W6
const PUBLIC: [Address; 24] = [
    address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266"),
    address!("70997970C51812dc3A010C7d01b50e0d17dc79C8"),
    address!("3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"),
    address!("90F79bf6EB2c4f870365E785982E1f101E93b906"),
    address!("15d34AAf54267DB7D7c367839AAf71A00a2C6A65"),
    address!("9965507D1a55bcC2695C58ba16FB37d819B0A4dc"),
    address!("976EA74026E726554dB657fA54763abd0C3a0aa9"),
    address!("14dC79964da2C08b23698B3D3cc7Ca32193d9955"),
    address!("23618e81E3f5cdF7f54C3d65f7FBc0aBf5B21E8f"),
    address!("a0Ee7A142d267C1f36714E4a8F75612F20a79720"),
    address!("Bcd4042DE499D14e55001CcbB24a551F3b954096"),
    address!("71bE63f3384f5fb98995898A86B02Fb2426c5788"),
    address!("FABB0ac9d68B0B445fB7357272Ff202C5651694a"),
    address!("1CBd3b2770909D4e10f157cABC84C7264073C9Ec"),
    address!("dF3e18d64BC6A983f673Ab319CCaE4f1a57C7097"),
    address!("cd3B766CCDd6AE721141F452C550Ca635964ce71"),
    address!("2546BcD3c84621e976D8185a91A922aE77ECEc30"),
    address!("bDA5747bFD65F08deb54cb465eB87D40e51B197E"),
    address!("dD2FD4581271e230360230F9337D5c0430Bf44C0"),
    address!("8626f6940E2eb28930eFb4CeF49B2d1F2C9C1199"),
    address!("6dbBd9E1099f6e32833374e4F68E1006fAC7f0c7"),
    address!("3853c2c7bc6007FE06F7BD4A806bEb0B2AAC37E4"),
    address!("DC79B7D13dcE5fcB7bAb1A324506324eDEce7519"),
    address!("244a1707a38Cd3E0d22c49FFC5080809f7F6907d"),
];

/// Whether the key of this address is published.
pub(crate) fn is_public(address: Address) -> bool {
    PUBLIC.contains(&address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Phrase;

    #[test]
    fn they_are_the_accounts_of_the_public_phrase() {
        let phrase = Phrase::parse(tally_testkit::PUBLIC_PHRASE).unwrap();
        let seed = phrase.seed("");
        for (index, address) in PUBLIC[..20].iter().enumerate() {
            assert_eq!(seed.secp256k1(index as u32).unwrap().address(), *address, "{index}");
        }
        assert!(is_public(PUBLIC[0]) && !is_public(Address::ZERO));
    }
}
