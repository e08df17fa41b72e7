//! The checks of a transaction: on its own page, and as a line of an account's history.

use tally_api::worker::light::BlockVerdict;
use tally_chain::{
    Address, CheckedTransaction, Header, Manifest, RawTransaction, Receipt, ReferenceVerifier, TxId, U256, address,
    fees::effective_price,
    merkle::{self, InclusionProof},
    transaction::{Authenticator, Transaction, View},
    visible,
};

use super::{
    BLOCK, CONTENT, CheckLine, OUTCOME, PATH, SIGNATURE, check_id, check_manifest, header, line, line_of_block,
    line_within, same, text,
};
use crate::{
    format,
    model::{
        BaseUnits, BlockEvidence, LogView, PolicyKeyView, PolicyView, Scheme, Status, TransactionEvidence,
        TransactionKind, TransactionPage, TransactionRow,
    },
    verify::ChainRules,
};

/// How much of a line of a list was proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// All that it shows of the payment, its outcome and fee included.
    Whole,
    /// That it was signed and is in the block; the node sent no receipt, so only the node reports the outcome.
    ButOutcome,
    /// That it was signed; there is no verified chain to compare its block with, so only the node reports that it happened. The
    /// text says why.
    ButBlock(String),
}

/// Checks a transaction's page against its envelope and, once it is in a block, its paths. `verdict`: what the light client
/// found of that block.
pub fn check_transaction(
    rules: &ChainRules,
    verdict: &BlockVerdict,
    page: &TransactionPage,
    evidence: &TransactionEvidence,
) -> Vec<CheckLine> {
    let checked = check_signature(rules, evidence);
    let content = checked.clone().and_then(|checked| check_content(page, &checked));
    // A page that was read before the block came is about to be read again.
    let executed = page.row.status != Status::Pending;
    let outcome = evidence.outcome.as_ref().filter(|_| executed).map(|_| {
        let checked = checked.clone()?;
        let (receipt, manifest) = proven_receipt(&checked, evidence)?;
        check_outcome(&page.row, &checked, &receipt, &manifest)?;
        check_figures(page, &checked.view(), &receipt, &manifest)
    });
    let inclusion = evidence.inclusion.as_ref();
    let place = inclusion.map(|(block, _)| check_place(&page.row, block));
    let path = inclusion.map(|(block, proof)| check_path(block, proof, evidence));
    vec![
        line(SIGNATURE, Some(checked.map(drop))),
        line(CONTENT, Some(content)),
        line_within(PATH, verdict, path),
        match place {
            Some(place) => line_of_block(BLOCK, verdict, place),
            None => line(BLOCK, None),
        },
        line_within(OUTCOME, verdict, outcome),
    ]
}

/// Checks a line of the history of the account `own` against the bytes behind it, all in one: that it is of this account,
/// signature, content, path, the block's place on the verified chain, and the outcome. `verdict`: what the light client found
/// of that block.
pub fn check_row(
    rules: &ChainRules,
    verdict: &BlockVerdict,
    own: &str,
    row: &TransactionRow,
    evidence: &TransactionEvidence,
) -> Result<Proof, String> {
    let checked = check_signature(rules, evidence)?;
    check_parties(row, &checked)?;
    let own = address::parse(own).map_err(text)?;
    if checked.sender() != own && receiver(&checked) != own {
        return Err(format!("it is neither from nor to {own}"));
    }
    let inclusion = evidence.inclusion.as_ref();
    let (block, proof) = inclusion.ok_or("the node sent no path to its block")?;
    check_path(block, proof, evidence)?;
    check_place(row, block)?;
    let proven = match &evidence.outcome {
        Some(_) => {
            let (receipt, manifest) = proven_receipt(&checked, evidence)?;
            check_outcome(row, &checked, &receipt, &manifest)?;
            Proof::Whole
        }
        None => Proof::ButOutcome,
    };
    match verdict {
        BlockVerdict::OnChain => Ok(proven),
        BlockVerdict::Unknown(why) => Ok(Proof::ButBlock(why.clone())),
        BlockVerdict::Refuted(why) => Err(why.clone()),
    }
}

/// Rule: docs/protocol.md#T3
fn check_signature(rules: &ChainRules, evidence: &TransactionEvidence) -> Result<CheckedTransaction, String> {
    let raw = RawTransaction::decode(evidence.envelope.clone()).map_err(text)?;
    raw.check(&rules.identity, &ReferenceVerifier).map_err(text)
}

/// Who gets it: the address in the bytes, or that of the contract which sender and nonce give. Rule: docs/protocol.md#X1
fn receiver(checked: &CheckedTransaction) -> Address {
    let view = checked.view();
    view.to.unwrap_or_else(|| checked.sender().create(view.nonce))
}

/// What a line shows of the signed bytes: id, sender, receiver, value, scheme.
fn check_parties(row: &TransactionRow, checked: &CheckedTransaction) -> Result<(), String> {
    let view = checked.view();
    same("The id", row.id.parse::<TxId>().map_err(text)?, checked.id())?;
    same("The sender", address::parse(&row.from).map_err(text)?, checked.sender())?;
    same("The value", row.value.digits(), view.value.0)?;
    let scheme = scheme(checked.transaction());
    same("The kind of the signature", row.scheme.label(), scheme.label())?;
    let creates = view.to.is_none();
    if creates != (row.kind == TransactionKind::Creation) {
        return Err("a contract creation is shown as a payment, or a payment as a creation".to_owned());
    }
    match &row.to {
        Some(shown) => same("The receiver", address::parse(shown).map_err(text)?, receiver(checked)),
        // A contract is there only once its creation has succeeded.
        None if creates && row.status != Status::Succeeded => Ok(()),
        None => same("The receiver", "none", receiver(checked)),
    }
}

/// What a page shows of the signed bytes.
fn check_content(page: &TransactionPage, checked: &CheckedTransaction) -> Result<(), String> {
    let view = checked.view();
    check_parties(&page.row, checked)?;
    same("The type", &page.type_byte, format!("{:#04x}", view.kind))?;
    same("The size", page.bytes, checked.envelope().len())?;
    same("The nonce", page.nonce, view.nonce)?;
    same("The gas limit", page.gas_limit, view.gas_limit)?;
    same("The highest price per gas", page.max_fee.digits(), view.max_fee)?;
    same(
        "The priority price per gas",
        page.max_priority_fee.digits(),
        view.max_priority_fee,
    )?;
    if page.made != view.timestamp.map(|made| made.0) {
        return Err("the time at which it was made is not the one in the bytes".to_owned());
    }
    if page.policy != policy_view(checked.transaction()) {
        return Err("the keys shown, or who of them signed, are not those in the bytes".to_owned());
    }
    let (authenticator, public_key, signature) = signed_with(checked.transaction());
    if page.authenticator != authenticator || page.public_key != public_key || page.signature != signature {
        return Err("the key or the signature shown is not the one in the bytes".to_owned());
    }
    same(
        "The data",
        page.data.trim_start_matches("0x"),
        format!("{:x}", view.data).trim_start_matches("0x"),
    )?;
    check_memo(page, view.data)?;
    if page.row.status == Status::Pending {
        let most = U256::from(view.max_fee) * U256::from(view.gas_limit);
        same("The highest fee", page.row.fee.digits(), most)?;
    }
    Ok(())
}

/// The memo of a payment is the text in its bytes, no less and no more; a contract's data is none. Rule: docs/protocol.md#W8
fn check_memo(page: &TransactionPage, data: &[u8]) -> Result<(), String> {
    let in_bytes = match page.row.kind {
        TransactionKind::Payment => visible::memo(data),
        TransactionKind::Call | TransactionKind::Creation => None,
    };
    match (page.memo.as_deref(), in_bytes) {
        (shown, found) if shown == found => Ok(()),
        (None, Some(_)) => Err("no memo is shown, but the bytes carry one".to_owned()),
        _ => Err("the memo shown is not the text in the bytes".to_owned()),
    }
}

/// The receipt under the block's root, at the very place of the transaction. Rules: docs/protocol.md#K2, #X5
fn proven_receipt(checked: &CheckedTransaction, evidence: &TransactionEvidence) -> Result<(Receipt, Manifest), String> {
    let (Some((bytes, path)), Some((block, place))) = (&evidence.outcome, &evidence.inclusion) else {
        return Err("the node sent no receipt, or no path to its block".to_owned());
    };
    let manifest = check_manifest(&header(block)?, block)?;
    merkle::verify(path, merkle::leaf_hash(bytes), manifest.receipts_root).map_err(text)?;
    same("The receipt's place", path.index, place.index)?;
    let receipt = Receipt::decode(bytes).map_err(text)?;
    same("The receipt's transaction", receipt.transaction, checked.id())?;
    Ok((receipt, manifest))
}

/// Rules: docs/protocol.md#K2, #K3
fn check_path(block: &BlockEvidence, proof: &InclusionProof, evidence: &TransactionEvidence) -> Result<(), String> {
    let manifest = check_manifest(&header(block)?, block)?;
    merkle::verify(proof, merkle::leaf_hash(&evidence.envelope), manifest.transactions_root).map_err(text)
}

/// What a line shows of the block that holds it.
fn check_place(row: &TransactionRow, block: &BlockEvidence) -> Result<(), String> {
    let header: Header = header(block)?;
    let manifest = check_manifest(&header, block)?;
    let Some(shown) = &row.block else {
        // A page that was read before the block came is about to be read again; what is shown as executed has its block.
        return match row.status {
            Status::Pending => Ok(()),
            Status::Succeeded | Status::Failed => {
                Err("its outcome is shown, but not the block that holds it".to_owned())
            }
        };
    };
    check_id(&header, &shown.id)?;
    same("The block's time", shown.time, header.time)?;
    same("The time", row.time, header.time)?;
    same(
        "The block's height",
        format::count(shown.height),
        format::count(manifest.number.0),
    )
}

/// What a line shows of the outcome. Rules: docs/protocol.md#X3, #X5
fn check_outcome(
    row: &TransactionRow,
    checked: &CheckedTransaction,
    receipt: &Receipt,
    manifest: &Manifest,
) -> Result<(), String> {
    let view = checked.view();
    let word = |success| if success { "succeeded" } else { "failed" };
    match row.status {
        Status::Pending => return Err("it is shown as pending, but a receipt of it is in the block".to_owned()),
        status => same("The status", word(status == Status::Succeeded), word(receipt.success))?,
    }
    let price = effective_price(view.max_fee, view.max_priority_fee, manifest.base_fee)
        .ok_or("its highest price per gas is below the block's base fee")?;
    let paid = U256::from(price) * U256::from(receipt.gas_used);
    same("The fee", row.fee.digits(), paid)?;
    match receipt.contract {
        Some(contract) => same("The new contract", receiver(checked), contract),
        None => Ok(()),
    }
}

/// What a page shows of the outcome beyond its line.
fn check_figures(
    page: &TransactionPage,
    view: &View<'_>,
    receipt: &Receipt,
    manifest: &Manifest,
) -> Result<(), String> {
    let claimed = |units: &Option<BaseUnits>| {
        units
            .as_ref()
            .map_or("nothing".to_owned(), |units| units.digits().to_owned())
    };
    same("The gas used", page.gas_used.unwrap_or_default(), receipt.gas_used)?;
    let price = effective_price(view.max_fee, view.max_priority_fee, manifest.base_fee).unwrap_or_default();
    same("The price per gas", claimed(&page.gas_price), price)?;
    let burned = U256::from(manifest.base_fee) * U256::from(receipt.gas_used);
    same("The part that was burned", claimed(&page.burned), burned)?;
    match page.logs == log_views(receipt) {
        true => Ok(()),
        false => Err("the events shown are not those in the receipt".to_owned()),
    }
}

/// The events of a receipt, as a page shows them.
pub fn log_views(receipt: &Receipt) -> Vec<LogView> {
    let logs = receipt.logs.iter();
    logs.map(|log| LogView {
        address: log.address.to_checksum(None),
        topics: log.topics.iter().map(ToString::to_string).collect(),
        data: log.data.to_string(),
    })
    .collect()
}

/// How a transaction was signed.
pub fn scheme(transaction: &Transaction) -> Scheme {
    match transaction {
        Transaction::Ethereum(_) => Scheme::Ethereum,
        Transaction::Tally(tx) => match tx.authenticator {
            Authenticator::RsaPssSha256 { .. } => Scheme::Rsa,
            Authenticator::Secp256k1 { .. } => Scheme::Ecc,
            Authenticator::Multisig(_) => Scheme::Multisig,
        },
    }
}

/// The policy of a shared account and who signed, as the bytes have them. Rule: docs/protocol.md#T11
pub fn policy_view(transaction: &Transaction) -> Option<PolicyView> {
    let Transaction::Tally(tally) = transaction else {
        return None;
    };
    let Authenticator::Multisig(multisig) = &tally.authenticator else {
        return None;
    };
    let policy = multisig.policy();
    let keys = policy.keys().iter().enumerate().map(|(place, key)| PolicyKeyView {
        kind: key.name().to_owned(),
        address: key.address(&ReferenceVerifier).map_or_else(
            |_| tally_chain::Bytes::copy_from_slice(key.bytes()).to_string(),
            |address| address.to_checksum(None),
        ),
        signed: multisig.signatures().any(|(signer, _, _)| signer == place),
    });
    Some(PolicyView {
        required: policy.threshold(),
        keys: keys.collect(),
    })
}

/// Scheme, public key (or policy) and signatures as text.
pub fn signed_with(transaction: &Transaction) -> (String, Option<String>, String) {
    let hex = |bytes: &[u8]| tally_chain::Bytes::copy_from_slice(bytes).to_string();
    match transaction {
        Transaction::Ethereum(tx) => (
            "secp256k1, recovered as in Ethereum".to_owned(),
            None,
            hex(&tx.signature),
        ),
        Transaction::Tally(tx) => match &tx.authenticator {
            Authenticator::RsaPssSha256 { public_key, signature } => (
                format!("RSA-{}, PSS with SHA-256", public_key.bits()),
                Some(hex(public_key.spki())),
                hex(signature),
            ),
            Authenticator::Secp256k1 { public_key, signature } => (
                "ECDSA on secp256k1 with SHA-256".to_owned(),
                Some(hex(public_key)),
                hex(signature),
            ),
            Authenticator::Multisig(multisig) => {
                let policy = multisig.policy();
                let signatures: Vec<_> = multisig.signatures().map(|(_, _, signature)| hex(signature)).collect();
                (
                    format!("{} of {} keys", policy.threshold(), policy.keys().len()),
                    Some(hex(&policy.encode())),
                    signatures.join(" "),
                )
            }
        },
    }
}
