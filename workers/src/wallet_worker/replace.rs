//! Another transaction in the place of one that waits. Rule: docs/protocol.md#W53

use tally_api::worker::wallet::{Answer, Prices, WalletError};
use tally_chain::{Bytes, UnixSecs};
use tally_wallet::{Replacement, replace::replace};

use super::WorkerState;
use super::convert::{sentence, vault_error};
use super::payments::{fee, own_address};

impl WorkerState {
    /// Makes the bytes that take the place of a waiting envelope, and reads them back.
    pub(super) fn replace(
        &mut self,
        from: &str,
        envelope: Bytes,
        cancel: bool,
        timestamp: u64,
        prices: &Prices,
    ) -> Result<Answer, WalletError> {
        let identity = self.identity()?;
        let from = own_address(from)?;
        self.vault()?.account(from).map_err(vault_error)?;
        let how = if cancel {
            Replacement::Cancel
        } else {
            Replacement::SpeedUp
        };
        let payload = replace(&identity, from, envelope, how, fee(prices), UnixSecs(timestamp));
        let payload = payload.map_err(|error| WalletError::Payment(sentence(error)))?;
        self.read_back(&identity, from, payload)
    }
}
