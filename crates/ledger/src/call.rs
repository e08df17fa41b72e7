//! Calling a contract without a transaction: nothing is paid, nothing is kept.

use revm::context::TxEnv;
use revm::context::result::ExecutionResult;
use revm::primitives::TxKind;
use tally_chain::transaction::MAX_GAS_LIMIT;
use tally_chain::{Address, Amount, Bytes};

use crate::context::BlockContext;
use crate::evm::{Executor, InclusionError, Refusal};
use crate::view::{StateError, StateView};

/// A message to a contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRequest {
    /// The sender that the contract sees; nothing is signed.
    pub from: Address,
    /// None runs `data` as initcode.
    pub to: Option<Address>,
    /// What `to` receives, in base units.
    pub value: Amount,
    /// Call data, or initcode.
    pub data: Bytes,
    /// At most [`MAX_GAS_LIMIT`].
    pub gas_limit: u64,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallOutcome {
    /// The code ran to its end.
    Returned {
        /// By Ethereum's count.
        gas_used: u64,
        /// What the code returned; of initcode the new code.
        output: Bytes,
    },
    /// `output` is the reason that the contract gives.
    Reverted {
        /// By Ethereum's count.
        gas_used: u64,
        /// What the code gave as the reason.
        output: Bytes,
    },
    /// The EVM stopped it.
    Halted {
        /// By Ethereum's count.
        gas_used: u64,
        /// The EVM's name for it.
        reason: String,
    },
}

impl CallOutcome {
    /// By Ethereum's count: 21,000 before data and execution.
    pub fn gas_used(&self) -> u64 {
        match self {
            Self::Returned { gas_used, .. } | Self::Reverted { gas_used, .. } | Self::Halted { gas_used, .. } => {
                *gas_used
            }
        }
    }
}

/// Why a call cannot be made at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum CallError {
    #[error(transparent)]
    Refused(#[from] InclusionError),
    #[error(transparent)]
    State(#[from] StateError),
}

/// Runs a message in a block with this context; `BASEFEE` and `GASPRICE` are zero.
pub fn call<V: StateView + ?Sized>(
    context: &BlockContext,
    view: &V,
    request: CallRequest,
) -> Result<CallOutcome, CallError> {
    let context = BlockContext {
        base_fee: 0,
        ..context.clone()
    };
    let mut executor = Executor::new(context, view);
    let state = executor.state();
    let account = state.account(request.from)?;
    let (balance, required) = (account.balance, request.value);
    if balance < required {
        return Err(InclusionError::InsufficientFunds { balance, required }.into());
    }
    let env = TxEnv {
        tx_type: 0,
        caller: request.from,
        gas_limit: request.gas_limit.min(MAX_GAS_LIMIT),
        gas_price: 0,
        kind: request.to.map_or(TxKind::Create, TxKind::Call),
        value: request.value.0,
        data: request.data,
        nonce: account.nonce,
        chain_id: None,
        access_list: Default::default(),
        gas_priority_fee: None,
        blob_hashes: Vec::new(),
        max_fee_per_blob_gas: 0,
        authorization_list: Vec::new(),
    };
    let result = executor.run_free(env).map_err(|refusal| match refusal {
        Refusal::Inclusion(error) => CallError::Refused(error),
        Refusal::State(error) => CallError::State(error),
    })?;
    let gas_used = result.tx_gas_used();
    Ok(match result {
        ExecutionResult::Success { output, .. } => CallOutcome::Returned {
            gas_used,
            output: output.into_data(),
        },
        ExecutionResult::Revert { output, .. } => CallOutcome::Reverted { gas_used, output },
        ExecutionResult::Halt { reason, .. } => CallOutcome::Halted {
            gas_used,
            reason: format!("{reason:?}"),
        },
    })
}
