//! Payment requests as links. Rule: docs/protocol.md#W67

use tally_chain::Amount;

/// What a link requests: the receiver, and the amount where it has one.
pub type Requested = (String, Option<Amount>);

/// A link that requests an amount on this chain.
#[cfg(feature = "hydrate")]
pub fn link(to: &str, chain_id: u64, amount: Amount) -> Option<String> {
    let request = tally_wallet::PaymentRequest {
        to: tally_chain::address::parse(to).ok()?,
        chain_id: Some(chain_id),
        value: Some(amount),
    };
    Some(request.to_string())
}

/// Reads what was pasted as a recipient; none if it is no link.
#[cfg(feature = "hydrate")]
pub fn read(text: &str, chain_id: u64) -> Option<Result<Requested, String>> {
    use tally_wallet::{PaymentRequest, RequestError};

    let request = match PaymentRequest::parse(text) {
        Err(RequestError::OtherScheme) => return None,
        read => read.and_then(|request| request.check_chain(chain_id).map(|()| request)),
    };
    Some(match request {
        Ok(request) => Ok((request.to.to_string(), request.value)),
        Err(error) => Err(error.to_string()),
    })
}

/// The server knows no wallet.
#[cfg(not(feature = "hydrate"))]
pub fn link(_to: &str, _chain_id: u64, _amount: Amount) -> Option<String> {
    None
}

/// The server knows no wallet.
#[cfg(not(feature = "hydrate"))]
pub fn read(_text: &str, _chain_id: u64) -> Option<Result<Requested, String>> {
    None
}
