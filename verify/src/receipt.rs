//! Receipts. Rules: docs/protocol.md#P1 to #P8

use tally_chain::portable::{Claim, FileError, Proven, ReceiptError, Refuted};
use tally_chain::{BlockId, PortableReceipt, ReferenceVerifier, document};

use crate::report::{Check, Fault, Report, Verdict, time};
use crate::{Case, chain, input};

/// What a block that the reader trusts leaves open.
const BY_BLOCK: [&str; 2] = [
    "That the block id is one that you have from a source of your own: everything leads to it.",
    "That this page is the one whose hash you compared.",
];

pub fn examine(case: &Case<'_>, trusted: Option<BlockId>) -> Report {
    let receipt = match PortableReceipt::read(&input::bytes(case.input)) {
        Ok(receipt) => receipt,
        Err(error) => return Report::unreadable("A receipt", of_file(&error)),
    };
    let what = format!("A receipt of version {}", receipt.version());
    let by_genesis = receipt.chain_proof().is_some() && trusted == Some(receipt.genesis);
    let (claims, outcome) = match trusted {
        Some(genesis) if by_genesis => {
            let found = receipt.check_from_genesis(genesis, case.now, &ReferenceVerifier);
            (
                Claim::FROM_GENESIS,
                found.map(|found| (found.proven, Some(found.chain))),
            )
        }
        Some(block) => {
            let found = receipt.check(None, block, &ReferenceVerifier);
            (Claim::ALL, found.map(|proven| (proven, None)))
        }
        None => return open(&what, &receipt),
    };
    match outcome {
        Ok((proven, chain)) => {
            let mut report = Report::of(&what, Verdict::Holds, summary(&proven));
            report.facts = facts(&proven);
            match &chain {
                Some(chain) => report.chain(chain, case.now),
                None => {
                    report
                        .facts
                        .push(("Genesis, as the receipt has it", receipt.genesis.to_string()));
                    report.trust.extend(BY_BLOCK);
                }
            }
            report.checks = checks(&claims, None);
            report
        }
        Err(refuted) => not_held(&what, &claims, &refuted),
    }
}

/// A claim is false, or the proof of the chain shows too little. Rule: docs/protocol.md#P8
fn not_held(what: &str, claims: &[Claim], refuted: &Refuted) -> Report {
    let fault = of_refuted(refuted);
    let is_open = matches!(&refuted.error, ReceiptError::Proof(fault) if fault.needs_all_headers());
    let mut report = match is_open {
        true => Report::not_shown(what, fault),
        false => Report::refuted(what, fault),
    };
    report.checks = checks(claims, Some(refuted.claim));
    for check in report.checks.iter_mut().filter(|_| is_open) {
        check.holds = check.holds.filter(|holds| *holds);
    }
    report
}

/// Nothing is trusted yet: the parts are checked, and what the reader can compare is named.
fn open(what: &str, receipt: &PortableReceipt) -> Report {
    if let Err(refuted) = receipt.link(None, &ReferenceVerifier) {
        return not_held(what, &Claim::ALL, &refuted);
    }
    let summary = "Its parts fit together. Who made them shows only an id that you trust.";
    let mut report = Report::of(what, Verdict::Open, summary);
    report.checks = checks(&Claim::ALL[..5], None);
    report.facts.push(("It names genesis", receipt.genesis.to_string()));
    if let Some(tip) = receipt.tip_id() {
        report.facts.push(("It leads to block", tip.to_string()));
    }
    report
}

fn summary(proven: &Proven) -> &'static str {
    match proven.receipt.success {
        true => "The transaction is on the chain, and did what is shown here.",
        false => "The transaction is on the chain, but FAILED: nothing was paid but the fee.",
    }
}

fn facts(proven: &Proven) -> Vec<(&'static str, String)> {
    let view = proven.transaction.view();
    let confirmed = match proven.confirmations() {
        Some(count) => format!(
            "{count} times, up to block {} at height {}",
            proven.tip, proven.tip_height
        ),
        None => "not known: only the transaction's own block is trusted".to_owned(),
    };
    let to = view.to.map_or_else(|| "a new contract".to_owned(), |to| to.to_string());
    let mut facts = vec![
        ("Transaction", proven.transaction.id().to_string()),
        ("From", proven.transaction.sender().to_string()),
        ("To", to),
        ("Amount", format!("{} coins", view.value.to_coins())),
    ];
    if let Some(sha256) = document::anchored(view.data) {
        facts.push(("Document", format!("SHA-256 {sha256:x}")));
    }
    facts.extend([
        ("In block", format!("{} at height {}", proven.block, proven.height)),
        ("Time of the block", time(proven.time)),
        ("Confirmed", confirmed),
    ]);
    facts
}

/// A line for each claim; `refuted` does not hold, and those after it were not looked at.
fn checks(claims: &[Claim], refuted: Option<Claim>) -> Vec<Check> {
    let line = |claim: &Claim| {
        let (title, meaning) = named(*claim);
        let holds = match refuted {
            Some(refuted) if *claim > refuted => None,
            Some(refuted) => Some(*claim < refuted),
            None => Some(true),
        };
        Check { title, meaning, holds }
    };
    claims.iter().map(line).collect()
}

fn named(claim: Claim) -> (&'static str, &'static str) {
    match claim {
        Claim::Signature => (
            "Signature",
            "The sender's keys signed this very transaction for this very chain.",
        ),
        Claim::Block => ("Block", "Header and manifest of its block fit, and the work is there."),
        Claim::Inclusion => (
            "Inclusion",
            "The transaction is in the block, by its path to the block's root.",
        ),
        Claim::Execution => (
            "Execution",
            "It did what the receipt says, by its path to the block's root.",
        ),
        Claim::History => (
            "History",
            "The block is an ancestor of the one that the receipt leads to.",
        ),
        Claim::Trust => (
            "Trust",
            "That block, or the transaction's own, is the one that you trust.",
        ),
        Claim::Chain => (
            "Chain",
            "That block is the tip of a chain whose work leads there from the genesis that you trust.",
        ),
    }
}

fn of_file(error: &FileError) -> Fault {
    let (rule, field) = match error {
        FileError::TooLong { .. } => ("L12", "file"),
        FileError::Form { .. } => ("P1", "file"),
        FileError::Version { .. } => ("P7", "version"),
        FileError::Missing { field, .. } | FileError::Unexpected { field, .. } => ("P7", *field),
        FileError::NotCanonical { field } => ("P1", field.as_str()),
    };
    Fault::new(rule, field, error)
}

fn of_refuted(refuted: &Refuted) -> Fault {
    // The rest of the message names field and rule by itself.
    match &refuted.error {
        ReceiptError::Proof(fault) => return chain::of_fault(fault, "chain.proof"),
        ReceiptError::Spec(error) => return Fault::new("C1", "chain.spec", error),
        ReceiptError::OtherSpec(error) => return Fault::new("C3", "chain.spec", error),
        _ => {}
    }
    let field = match (&refuted.error, refuted.claim) {
        (ReceiptError::OtherChain { .. }, _) => "genesis",
        (ReceiptError::NoProof { .. }, _) => "chain",
        (_, Claim::Signature) => "envelope",
        (_, Claim::Block) => "block",
        (_, Claim::Inclusion) => "transaction_path",
        (ReceiptError::ReceiptPath(_), _) => "receipt_path",
        (_, Claim::Execution) => "receipt",
        (ReceiptError::History(_) | ReceiptError::HistoryNode { .. }, _) => "history",
        (_, Claim::History) => "tip",
        (_, Claim::Trust) => "id that you trust",
        (_, Claim::Chain) => "chain.proof",
    };
    let rule = match (&refuted.error, refuted.claim) {
        (ReceiptError::ProofTooLong { .. }, _) => "L12",
        (ReceiptError::ReceiptTooLong { .. }, _) => "L11",
        (_, Claim::Signature) => "P2",
        (_, Claim::Block | Claim::Inclusion) => "P3",
        (_, Claim::Execution) => "P4",
        (_, Claim::History | Claim::Trust) => "P5",
        (_, Claim::Chain) => "P8",
    };
    Fault::new(rule, field, &refuted.error)
}
