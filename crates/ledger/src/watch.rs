//! What the code of a transaction looks at: the producer, the time, and accounts.
//!
//! A template that many miners share must not depend on who is paid, and one whose time a miner may move on must not
//! depend on the time. Both are seen where the EVM reads them: in its instructions and in the state behind it.

use std::collections::BTreeSet;

use revm::bytecode::opcode::{COINBASE, TIMESTAMP};
use revm::context_interface::ContextTr;
use revm::handler::{EvmTr, MainnetContext, MainnetEvm};
use revm::interpreter::instructions::block_info;
use revm::interpreter::interpreter::EthInterpreter;
use revm::interpreter::{Instruction, InstructionContext, InstructionExecResult};
use tally_chain::Address;

use crate::evm::InclusionError;
use crate::state::BlockState;
use crate::view::StateView;

/// Gas of `COINBASE` and of `TIMESTAMP`, as in the EVM.
const BLOCK_INFO_GAS: u16 = 2;

/// What one transaction looked at.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Its code read the producer.
    pub producer: bool,
    /// Its code read the time.
    pub time: bool,
    /// Code of a contract was read, to run or to look at.
    pub code: bool,
    /// Accounts that were read; kept only where [`BlockState::watch_accounts`] is set.
    pub accounts: BTreeSet<Address>,
}

/// What a block that many miners share takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// Everything that does not look at the producer.
    AnyCode,
    /// Transactions that run no code.
    NoCode,
}

impl Sharing {
    /// Whether a transaction has the same effects for every producer; `stand_in` is the one that the EVM is given.
    pub fn admits(self, seen: &Seen, stand_in: Address) -> Result<(), InclusionError> {
        if !seen.code {
            return Ok(());
        }
        match self {
            Self::NoCode => Err(InclusionError::RunsCode),
            // The stand-in is as cheap to look at as a producer (EIP-3651), which no other account is.
            Self::AnyCode if seen.producer || seen.accounts.contains(&stand_in) => {
                Err(InclusionError::DependsOnProducer)
            }
            Self::AnyCode => Ok(()),
        }
    }
}

type Host<'a, V> = MainnetContext<BlockState<'a, V>>;
type Call<'c, 'a, V> = InstructionContext<'c, Host<'a, V>, EthInterpreter>;

/// Records what code reads of the block around it.
pub(crate) fn watch_block_info<'a, V: StateView + ?Sized>(evm: &mut MainnetEvm<Host<'a, V>>) {
    let (_, instructions) = evm.ctx_instructions();
    instructions.insert_instruction(COINBASE, Instruction::new(coinbase::<V>), BLOCK_INFO_GAS);
    instructions.insert_instruction(TIMESTAMP, Instruction::new(timestamp::<V>), BLOCK_INFO_GAS);
}

fn coinbase<V: StateView + ?Sized>(call: Call<'_, '_, V>) -> InstructionExecResult {
    call.host.db_mut().seen.producer = true;
    block_info::coinbase(call)
}

fn timestamp<V: StateView + ?Sized>(call: Call<'_, '_, V>) -> InstructionExecResult {
    call.host.db_mut().seen.time = true;
    block_info::timestamp(call)
}
