//! One EVM for a whole block, with this chain's fees. Rules: docs/protocol.md#X1 to #X6

use std::collections::BTreeSet;

use revm::context::result::{EVMError, ExecutionResult, HaltReason, InvalidTransaction, Output};
use revm::context::{CfgEnv, ContextSetters, TxEnv};
use revm::context_interface::journaled_state::account::JournaledAccountTr;
use revm::context_interface::transaction::{AccessList, AccessListItem};
use revm::context_interface::{Cfg, ContextTr, JournalTr, Transaction as _};
use revm::handler::{EvmTr, FrameResult, Handler, MainBuilder, MainnetContext, MainnetEvm};
use revm::interpreter::InitialAndFloorGas;
use revm::primitives::TxKind;
use revm::primitives::hardfork::SpecId;
use tally_chain::fees::{effective_price, upfront_gas};
use tally_chain::transaction::TransactionError;
use tally_chain::{Address, Amount, B256, Bytes, CheckedTransaction, Log, Receipt, U256};

use crate::context::BlockContext;
use crate::state::{BlockState, Outcome};
use crate::view::{StateError, StateView};
use crate::watch::{Seen, Sharing, watch_block_info};

/// The fork whose rules hold. Rule: docs/protocol.md#X1
pub(crate) const FORK: SpecId = SpecId::OSAKA;
/// What the EVM charges every transaction; `0x54` replaces it. Rule: docs/protocol.md#X2
const EVM_BASE_GAS: u64 = 21_000;
/// Longest initcode of a creating transaction, in bytes (EIP-3860).
const MAX_INITCODE_BYTES: usize = 49_152;

/// Why a transaction cannot stand in a block at its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum InclusionError {
    #[error(transparent)]
    Transaction(#[from] TransactionError),
    #[error("nonce is {found}, the account is already at {expected}")]
    NonceTooLow { found: u64, expected: u64 },
    #[error("nonce is {found}, the account is only at {expected}")]
    NonceTooHigh { found: u64, expected: u64 },
    #[error("balance is {balance}, value plus gas_limit * max_fee is {required}")]
    InsufficientFunds { balance: Amount, required: Amount },
    #[error("sender {sender} is a contract")]
    SenderHasCode { sender: Address },
    #[error("gas_limit is {gas_limit}, this transaction needs at least {required}")]
    GasLimitTooLow { gas_limit: u64, required: u64 },
    #[error("gas_limit is {gas_limit}, the block has {left} left")]
    GasExceedsBlock { gas_limit: u64, left: u64 },
    #[error("gas_limit allows {gas} gas of execution, the block has {left} left for execution")]
    ExecutionExceedsBlock { gas: u64, left: u64 },
    #[error("transaction has {bytes} bytes, the block has room for {left}")]
    BytesExceedBlock { bytes: u64, left: u64 },
    #[error("block already has {max} transactions")]
    TooManyTransactions { max: usize },
    #[error("initcode has {len} bytes, at most {max} are allowed")]
    InitcodeTooLong { len: usize, max: usize },
    #[error("the transaction looks at the producer: it is left out of a block that miners share")]
    DependsOnProducer,
    #[error("the transaction runs code: it is left out of a block of plain payments")]
    RunsCode,
    #[error("the EVM rejects the transaction: {0}")]
    Evm(String),
}

/// Why a transaction was not executed.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The transaction is at fault.
    Inclusion(InclusionError),
    /// The state could not be read.
    State(StateError),
}

impl From<StateError> for Refusal {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}

impl From<InclusionError> for Refusal {
    fn from(error: InclusionError) -> Self {
        Self::Inclusion(error)
    }
}

type Evm<'a, V> = MainnetEvm<MainnetContext<BlockState<'a, V>>>;
type EvmResult<T> = Result<T, EVMError<StateError>>;

/// The EVM's steps with our gas and fees in place of Ethereum's. Rules: docs/protocol.md#X2, #X3
struct Steps<'a, V: ?Sized> {
    /// In place of the EVM's 21,000.
    base_gas: u64,
    /// What the sender pays, and how much of it is burned, in base units per gas.
    price: u128,
    burned: u128,
    /// Whether the producer is known, and paid at once.
    pays_producer: bool,
    state: std::marker::PhantomData<&'a V>,
}

impl<'a, V: StateView + ?Sized> Handler for Steps<'a, V> {
    type Evm = Evm<'a, V>;
    type Error = EVMError<StateError>;
    type HaltReason = HaltReason;

    fn validate_initial_tx_gas(&self, evm: &mut Self::Evm) -> EvmResult<InitialAndFloorGas> {
        let ctx = evm.ctx_ref();
        let gas = ctx.cfg().gas_params().initial_tx_gas_for_tx(ctx.tx(), None);
        let replace = |gas: u64| gas.saturating_sub(EVM_BASE_GAS).saturating_add(self.base_gas);
        let (initial, floor) = (replace(gas.initial_regular_gas()), replace(gas.floor_gas()));
        let (gas_limit, least) = (ctx.tx().gas_limit(), initial.max(floor));
        if gas_limit < least {
            return Err(InvalidTransaction::CallGasCostMoreThanGasLimit {
                gas_limit,
                initial_gas: least,
            }
            .into());
        }
        Ok(InitialAndFloorGas::new(initial, floor))
    }

    fn validate_against_state_and_deduct_caller(
        &self,
        evm: &mut Self::Evm,
        _: &mut InitialAndFloorGas,
    ) -> EvmResult<()> {
        let (_, tx, _, journal, _, _) = evm.ctx_mut().all_mut();
        let mut caller = journal.load_account_mut(tx.caller())?.data;
        // For the whole limit, since what it will use is not known yet; `reimburse_caller` gives back the rest.
        if !caller.decr_balance(fee(self.price, tx.gas_limit())) {
            return Err(EVMError::Custom("the sender cannot pay for the gas".to_owned()));
        }
        // A creation counts the nonce up itself, after its address was made from the old one.
        if tx.kind().is_call() {
            caller.bump_nonce();
        }
        Ok(())
    }

    fn reimburse_caller(&self, evm: &mut Self::Evm, result: &mut FrameResult) -> EvmResult<()> {
        let gas = result.gas();
        let unused = gas.remaining() + gas.reservoir() + gas.refunded().unsigned_abs();
        let ctx = evm.ctx_mut();
        let caller = ctx.tx().caller();
        credit(ctx.journal_mut(), caller, fee(self.price, unused))
    }

    fn reward_beneficiary(&self, evm: &mut Self::Evm, result: &mut FrameResult) -> EvmResult<()> {
        if !self.pays_producer {
            return Ok(());
        }
        let gas = result.gas();
        let used = gas.used().saturating_sub(gas.reservoir());
        let ctx = evm.ctx_mut();
        let producer = ctx.block().beneficiary;
        credit(
            ctx.journal_mut(),
            producer,
            fee(self.price.saturating_sub(self.burned), used),
        )
    }
}

/// Below 2^192: never overflows.
fn fee(price: u128, gas: u64) -> U256 {
    U256::from(price) * U256::from(gas)
}

fn credit<J: JournalTr>(journal: &mut J, address: Address, amount: U256) -> EvmResult<()>
where
    J::Database: revm::Database<Error = StateError>,
{
    match journal.load_account_mut(address)?.data.incr_balance(amount) {
        true => Ok(()),
        false => Err(EVMError::Custom(format!("the balance of {address} overflows"))),
    }
}

/// Execution may use the block's gas limit divided by this. Rule: docs/protocol.md#X7
const EXECUTION_SHARE: u64 = 4;

/// Executes the transactions of one block, one after the other.
pub(crate) struct Executor<'a, V: ?Sized + StateView> {
    evm: Evm<'a, V>,
    context: BlockContext,
    gas_used: u64,
    /// Gas spent by instructions so far, before refunds. Rule: docs/protocol.md#X7
    execution_gas: u64,
    /// Priority fees paid so far.
    tips: U256,
    /// Who will be paid is not known yet, or whether code may run at all.
    sharing: Option<Sharing>,
    /// Gas of what ran and was left out of a shared block: it is not paid for, so it has a bound of its own.
    left_out_gas: u64,
    /// Whether code has read the time.
    time_seen: bool,
    /// Accounts that code has looked at, where the block is shared.
    looked_at: BTreeSet<Address>,
}

impl<'a, V: StateView + ?Sized> Executor<'a, V> {
    pub fn new(context: BlockContext, view: &'a V) -> Self {
        Self::with_fork(context, view, FORK)
    }

    /// Another fork is for tests only.
    pub fn with_fork(context: BlockContext, view: &'a V, fork: SpecId) -> Self {
        let cfg = CfgEnv::new_with_spec(fork).with_chain_id(context.chain_id);
        let mut evm = MainnetContext::new(BlockState::new(view), fork)
            .with_cfg(cfg)
            .with_block(context.env())
            .build_mainnet();
        watch_block_info(&mut evm);
        Self {
            evm,
            context,
            gas_used: 0,
            execution_gas: 0,
            tips: U256::ZERO,
            sharing: None,
            left_out_gas: 0,
            time_seen: false,
            looked_at: BTreeSet::new(),
        }
    }

    /// For a block whose producer is settled later: `context.producer` stands in for it and is not paid.
    pub fn shared(context: BlockContext, view: &'a V, sharing: Sharing) -> Self {
        let mut executor = Self::new(context, view);
        executor.sharing = Some(sharing);
        executor.state().watch_accounts = true;
        executor
    }

    /// Whether code of an included transaction read the time.
    pub fn time_seen(&self) -> bool {
        self.time_seen
    }

    /// Accounts that code of included transactions looked at; only of a shared block.
    pub fn take_looked_at(&mut self) -> BTreeSet<Address> {
        std::mem::take(&mut self.looked_at)
    }

    pub fn gas_used(&self) -> u64 {
        self.gas_used
    }

    /// What the producer earned beside the subsidy.
    pub fn tips(&self) -> Amount {
        Amount(self.tips)
    }

    pub fn state(&mut self) -> &mut BlockState<'a, V> {
        self.evm.ctx.db_mut()
    }

    pub fn finish(self) -> Outcome {
        let mut evm = self.evm;
        evm.ctx.journal_mut().finalize();
        evm.ctx.journaled_state.database.finish()
    }

    /// Executes one transaction. A rejected one leaves no trace.
    pub fn include(&mut self, tx: &CheckedTransaction) -> Result<Receipt, Refusal> {
        let price = self.check(tx)?;
        let view = tx.view();
        let base_gas = tx.envelope_gas().unwrap_or(EVM_BASE_GAS);
        let result = self.transact(base_gas, price, tx_env(tx, price))?;
        let gas_used = result.tx_gas_used();
        self.gas_used = self.gas_used.saturating_add(gas_used);
        // Work that a refund or the floor pays for is work all the same.
        let executed = result.gas().total_gas_spent().saturating_sub(upfront_gas(tx).initial);
        self.execution_gas = self.execution_gas.saturating_add(executed);
        let tip = fee(price.saturating_sub(self.context.base_fee), gas_used);
        self.tips = self.tips.saturating_add(tip);
        let mut receipt = Receipt {
            transaction: tx.id(),
            success: false,
            gas_used,
            contract: None,
            logs: Vec::new(),
        };
        if let ExecutionResult::Success { logs, output, .. } = result {
            receipt.success = true;
            receipt.contract = match output {
                Output::Create(_, address) if view.to.is_none() => address,
                _ => None,
            };
            receipt.logs = logs.into_iter().map(log).collect();
        }
        Ok(receipt)
    }

    /// Everything that can be checked before execution; returns the price of gas.
    /// Rules: docs/protocol.md#T6, #T8, #T9, #X2, #X3, #X7, #B6
    fn check(&mut self, tx: &CheckedTransaction) -> Result<u128, Refusal> {
        let view = tx.view();
        let left = self.context.gas_limit.saturating_sub(self.gas_used);
        let gas_limit = view.gas_limit;
        // By the limit and not by what it would use: whether it fits is decided before it runs (B6).
        if gas_limit > left {
            return Err(InclusionError::GasExceedsBlock { gas_limit, left }.into());
        }
        let upfront = upfront_gas(tx);
        let required = upfront.least();
        if gas_limit < required {
            return Err(InclusionError::GasLimitTooLow { gas_limit, required }.into());
        }
        let gas = gas_limit - upfront.initial;
        // What is left out of a shared block counts apart: it takes no room from what is in it, and else one pool full of such
        // transactions would be run for nothing at every assembly.
        let left = (self.context.gas_limit / EXECUTION_SHARE).saturating_sub(self.execution_gas.max(self.left_out_gas));
        if gas > left {
            return Err(InclusionError::ExecutionExceedsBlock { gas, left }.into());
        }
        let (len, max) = (view.data.len(), MAX_INITCODE_BYTES);
        if view.to.is_none() && len > max {
            return Err(InclusionError::InitcodeTooLong { len, max }.into());
        }
        let base_fee = self.context.base_fee;
        let price = effective_price(view.max_fee, view.max_priority_fee, base_fee).ok_or(
            InclusionError::Transaction(TransactionError::FeeTooLow {
                max_fee: view.max_fee,
                base_fee,
            }),
        )?;
        let sender = tx.sender();
        let account = self.state().account(sender)?;
        let (found, expected) = (view.nonce, account.nonce);
        if found < expected {
            return Err(InclusionError::NonceTooLow { found, expected }.into());
        }
        if found > expected {
            return Err(InclusionError::NonceTooHigh { found, expected }.into());
        }
        // At the highest fee that the sender allows, so that this does not depend on the base fee of the block (T9).
        let (balance, required) = (account.balance, tx.max_cost());
        if balance < required {
            return Err(InclusionError::InsufficientFunds { balance, required }.into());
        }
        if account.has_code() && !self.state().code(account.code_hash)?.is_eip7702() {
            return Err(InclusionError::SenderHasCode { sender }.into());
        }
        Ok(price)
    }

    /// Runs a message for nothing and leaves no trace. The block's base fee must be zero.
    pub fn run_free(&mut self, env: TxEnv) -> Result<ExecutionResult, Refusal> {
        let mut steps = Steps {
            base_gas: EVM_BASE_GAS,
            price: 0,
            burned: 0,
            pays_producer: true,
            state: std::marker::PhantomData,
        };
        self.evm.ctx.set_tx(env);
        let result = steps.run(&mut self.evm);
        self.evm.ctx.journal_mut().finalize();
        result.map_err(refusal)
    }

    /// Runs a transaction and takes over what it changed.
    pub fn transact(&mut self, base_gas: u64, price: u128, env: TxEnv) -> Result<ExecutionResult, Refusal> {
        let mut steps = Steps {
            base_gas,
            price,
            burned: self.context.base_fee,
            pays_producer: self.sharing.is_none(),
            state: std::marker::PhantomData,
        };
        self.state().seen = Seen {
            code: env.kind.is_create(),
            ..Seen::default()
        };
        self.evm.ctx.set_tx(env);
        let result = steps.run(&mut self.evm);
        let state = self.evm.ctx.journal_mut().finalize();
        let result = result.map_err(refusal)?;
        if let Err(left_out) = self.take_note() {
            let spent = result.gas().total_gas_spent();
            self.left_out_gas = self.left_out_gas.saturating_add(spent);
            return Err(left_out.into());
        }
        // Last: what was rejected above has changed nothing of the block's state.
        self.state().commit(state)?;
        Ok(result)
    }

    /// Keeps what the transaction looked at; an error where it may not stand in a shared block.
    fn take_note(&mut self) -> Result<(), InclusionError> {
        let stand_in = self.context.producer;
        let seen = std::mem::take(&mut self.state().seen);
        if let Some(sharing) = self.sharing {
            sharing.admits(&seen, stand_in)?;
            if seen.code {
                self.looked_at.extend(seen.accounts);
            }
        }
        self.time_seen |= seen.time;
        Ok(())
    }

    #[cfg(any(test, feature = "state-tests"))]
    pub fn block_env(&mut self) -> &mut revm::context::BlockEnv {
        &mut self.evm.ctx.block
    }
}

fn refusal(error: EVMError<StateError>) -> Refusal {
    match error {
        EVMError::Database(error) => Refusal::State(error),
        EVMError::Custom(message) => InclusionError::Evm(message).into(),
        other => InclusionError::Evm(other.to_string()).into(),
    }
}

/// The price goes in as a plain gas price, so that `GASPRICE` is what is paid.
fn tx_env(tx: &CheckedTransaction, price: u128) -> TxEnv {
    let view = tx.view();
    let access_list: Vec<_> = view
        .access_list
        .iter()
        .map(|(address, storage_keys)| AccessListItem {
            address: *address,
            storage_keys: storage_keys.clone(),
        })
        .collect();
    TxEnv {
        // EIP-2930, or legacy without a list.
        tx_type: u8::from(!access_list.is_empty()),
        caller: tx.sender(),
        gas_limit: view.gas_limit,
        gas_price: price,
        kind: view.to.map_or(TxKind::Create, TxKind::Call),
        value: view.value.0,
        data: view.data.clone(),
        nonce: view.nonce,
        chain_id: Some(view.chain_id),
        access_list: AccessList(access_list),
        gas_priority_fee: None,
        blob_hashes: Vec::new(),
        max_fee_per_blob_gas: 0,
        authorization_list: Vec::new(),
    }
}

fn log(log: revm::primitives::Log) -> Log {
    let (topics, data): (Vec<B256>, Bytes) = log.data.split();
    Log {
        address: log.address,
        topics,
        data,
    }
}
