//! Transactions, receipts and proofs as the API shows them.

use tally_api::transactions::{
    HistoryNodeBody, HistoryProofBody, InclusionProofBody, LogBody, ReceiptBody, TransactionBlock, TransactionBody,
    TransactionStatus,
};
use tally_chain::fees::effective_price;
use tally_chain::history::HistoryProof;
use tally_chain::merkle::InclusionProof;
use tally_chain::transaction::Transaction;
use tally_chain::{Amount, CheckedTransaction, Receipt, U256};
use tally_node::{BlockRecord, FullBlock, Included, Located, Tip};

use crate::api::multisig::multisig;
use crate::api::text::memo;

fn waiting_body(transaction: &CheckedTransaction, pending: bool) -> TransactionBody {
    let status = if pending {
        TransactionStatus::Pending
    } else {
        TransactionStatus::Queued
    };
    body(transaction, status, None)
}

/// The transaction at `index` of a block that was read whole.
pub fn of_block(tip: &Tip, block: &FullBlock, index: usize) -> TransactionBody {
    let transaction = &block.transactions[index];
    match block.receipts.get(index) {
        Some(receipt) => included_body(tip, transaction, &block.record, index as u32, receipt),
        // A block of a branch that was never executed has no receipts.
        None => body(transaction, TransactionStatus::Pending, None),
    }
}

/// A transaction of the active chain.
fn included_body(
    tip: &Tip,
    transaction: &CheckedTransaction,
    block: &BlockRecord,
    index: u32,
    receipt: &Receipt,
) -> TransactionBody {
    let status = if receipt.success {
        TransactionStatus::Included
    } else {
        TransactionStatus::Failed
    };
    let height = block.height().0;
    let place = TransactionBlock {
        id: block.id,
        height,
        index,
        time: block.header.time,
        confirmations: (tip.record.height().0 + 1).saturating_sub(height),
    };
    let base_fee = block.manifest.base_fee;
    body(
        transaction,
        status,
        Some((place, receipt_body(transaction, receipt, base_fee))),
    )
}

/// One that was looked up; `pending` counts where it is in no block.
pub fn located_body(tip: &Tip, located: &Located, pending: bool) -> TransactionBody {
    match &located.included {
        Some(Included { block, index, receipt }) => included_body(tip, &located.transaction, block, *index, receipt),
        None => waiting_body(&located.transaction, pending),
    }
}

fn body(
    transaction: &CheckedTransaction,
    status: TransactionStatus,
    place: Option<(TransactionBlock, ReceiptBody)>,
) -> TransactionBody {
    let view = transaction.view();
    let (block, receipt) = place.unzip();
    TransactionBody {
        id: transaction.id(),
        status,
        kind: format!("{:#04x}", view.kind),
        scheme: scheme(transaction.transaction()).to_owned(),
        multisig: multisig(transaction.transaction()),
        sender: transaction.sender(),
        nonce: view.nonce,
        timestamp: view.timestamp.map(|time| time.0),
        to: view.to,
        value: view.value,
        max_fee: view.max_fee,
        max_priority_fee: view.max_priority_fee,
        gas_limit: view.gas_limit,
        data: view.data.clone(),
        memo: view.to.and_then(|_| memo(view.data)),
        size: transaction.envelope().len(),
        block,
        receipt,
    }
}

fn scheme(transaction: &Transaction) -> &'static str {
    match transaction {
        Transaction::Tally(tally) => tally.authenticator.scheme(),
        Transaction::Ethereum(_) => "ethereum",
    }
}

fn receipt_body(transaction: &CheckedTransaction, receipt: &Receipt, base_fee: u128) -> ReceiptBody {
    let view = transaction.view();
    let price = effective_price(view.max_fee, view.max_priority_fee, base_fee).unwrap_or(base_fee);
    let times_gas = |price: u128| Amount(U256::from(price).saturating_mul(U256::from(receipt.gas_used)));
    ReceiptBody {
        success: receipt.success,
        gas_used: receipt.gas_used,
        gas_price: price,
        fee: times_gas(price),
        burned: times_gas(base_fee),
        contract: receipt.contract,
        logs: receipt
            .logs
            .iter()
            .map(|log| LogBody {
                address: log.address,
                topics: log.topics.clone(),
                data: log.data.clone(),
            })
            .collect(),
    }
}

pub(super) fn inclusion(proof: InclusionProof) -> InclusionProofBody {
    let InclusionProof { index, count, path } = proof;
    InclusionProofBody { index, count, path }
}

pub(super) fn history(tip: &Tip, proof: HistoryProof) -> HistoryProofBody {
    let nodes = proof.nodes.iter().map(|node| HistoryNodeBody {
        hash: node.hash,
        weight: node.weight.to_string(),
        min_time: node.min_time,
        max_time: node.max_time,
    });
    HistoryProofBody {
        blocks: proof.blocks,
        number: proof.number,
        nodes: nodes.collect(),
        tip: tip.record.id,
        tip_header_hex: tip.record.header.encode().into(),
        tip_manifest_hex: tip.record.manifest.encode().into(),
    }
}
