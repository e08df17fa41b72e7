//! Another transaction in the place of one that waits. Rule: docs/protocol.md#W53

use tally_api::worker::wallet::{Answer, Prices, Trouble};
use tally_chain::{Bytes, UnixSecs};
use tally_wallet::{Replacement, replace::replace};

use super::Desk;
use super::payments::{fee, own_address};
use super::say::{sentence, vault_trouble};

impl Desk {
    /// Makes the bytes that take the place of a waiting envelope, and reads them back.
    pub(super) fn replace(
        &mut self,
        from: &str,
        envelope: Bytes,
        cancel: bool,
        timestamp: u64,
        prices: &Prices,
    ) -> Result<Answer, Trouble> {
        let identity = self.identity()?;
        let from = own_address(from)?;
        self.vault()?.account(from).map_err(vault_trouble)?;
        let how = if cancel {
            Replacement::Cancel
        } else {
            Replacement::SpeedUp
        };
        let payload = replace(&identity, from, envelope, how, fee(prices), UnixSecs(timestamp));
        let payload = payload.map_err(|error| Trouble::Payment(sentence(error)))?;
        self.read_back(&identity, from, payload)
    }
}
