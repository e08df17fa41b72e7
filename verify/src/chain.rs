//! Proofs of a chain, and headers. Rules: docs/protocol.md#F1 to #F9, #H5

use tally_chain::light::{self, AllHeaders, LightError, MAGIC, Verifier};
use tally_chain::{BlockId, Header, seal};

use crate::report::{Fault, Report, Verdict, assumptions, time};
use crate::{Case, input};

/// Longest proof or list of headers that is read, in bytes: some 1.8 million headers.
const MAX_BYTES: usize = 64 * 1024 * 1024;
/// Where the genesis id stands in a proof. Rule: docs/protocol.md#F3
const GENESIS_AT: std::ops::Range<usize> = MAGIC.len() + 2..MAGIC.len() + 34;

/// The proof of a chain. Rule: docs/protocol.md#F3
pub fn proof(case: &Case<'_>, trusted: Option<BlockId>) -> Report {
    let what = "A proof of a chain";
    let bytes = input::bytes(case.input);
    if let Some(report) = too_long(what, bytes.len()) {
        return report;
    }
    let Some(named) = bytes
        .get(GENESIS_AT)
        .map(|id| BlockId(tally_chain::B256::from_slice(id)))
    else {
        let why = LightError::Truncated {
            missing: "before its genesis id",
        };
        return Report::refuted(what, Fault::new("F3", "proof", why));
    };
    let Some(genesis) = trusted else {
        let summary = "A proof is verified from a genesis id that you trust.";
        let mut report = Report::of(what, Verdict::Open, summary);
        report.facts.push(("It names genesis", named.to_string()));
        return report;
    };
    let spec = match input::spec(case.spec, genesis) {
        Ok(spec) => spec,
        Err(fault) => return Report::unreadable(what, fault),
    };
    let mut verifier = match Verifier::new(spec, genesis, case.now) {
        Ok(verifier) => verifier,
        Err(error) => return Report::refuted(what, Fault::new("C3", "chain spec", error)),
    };
    let verified = verifier.push(&bytes).and_then(|_| verifier.finish());
    match verified {
        Ok(chain) => {
            let summary = "The work of this chain was verified from genesis.";
            let mut report = Report::of(what, Verdict::Holds, summary);
            report.chain(&chain, case.now);
            report
        }
        Err(fault) if fault.needs_all_headers() => Report::not_shown(what, of_fault(&fault, "proof")),
        Err(fault) => Report::refuted(what, of_fault(&fault, "proof")),
    }
}

/// Compact headers from block 1 on. Rule: docs/protocol.md#F9
pub fn headers(case: &Case<'_>, trusted: Option<BlockId>) -> Report {
    let what = "Headers";
    let bytes = input::bytes(case.input);
    if let Some(report) = too_long(what, bytes.len()) {
        return report;
    }
    let Some(genesis) = trusted else {
        let summary = "If these are headers from block 1 on, they are verified from a genesis id that you trust.";
        return Report::of(what, Verdict::Open, summary);
    };
    let spec = match input::spec(case.spec, genesis) {
        Ok(spec) => spec,
        Err(fault) => return Report::unreadable(what, fault),
    };
    let mut headers = match AllHeaders::new(spec, genesis, case.now) {
        Ok(headers) => headers,
        Err(error) => return Report::refuted(what, Fault::new("C3", "chain spec", error)),
    };
    if let Err(fault) = headers.push(&bytes) {
        return Report::refuted(what, of_fault(&fault, "headers"));
    }
    if headers.is_within_header() {
        return Report::refuted(what, Fault::new("F2", "headers", "they end within a header"));
    }
    let summary = "Work, time and link of every header from block 1 on were verified.";
    let mut report = Report::of(what, Verdict::Holds, summary);
    report.facts = vec![
        ("Genesis", genesis.to_string()),
        ("Headers", headers.height().to_string()),
        ("Newest block", headers.id().to_string()),
        ("Total work", format!("{} hashes expected", headers.weight())),
    ];
    report.trust = assumptions(light::Level::AllHeaders);
    report
}

/// One header: what it contains, and that its own seal is there. Rules: docs/protocol.md#H1, #H5, #C3
pub fn header(case: &Case<'_>, trusted: Option<BlockId>) -> Report {
    let what = "A header";
    let bytes = input::bytes(case.input);
    let Some(bytes) = bytes.first_chunk() else {
        return Report::unreadable(what, Fault::new("H1", "header", "it has less than 80 bytes"));
    };
    let header = Header::decode(bytes);
    let id = header.id();
    let weight = match header.parent {
        // Only a genesis has no parent, and it has no seal (C3): its id alone shows what it is.
        BlockId::ZERO => None,
        _ => match seal::check_without_spec(&header) {
            Ok(weight) => Some(weight),
            Err(error) => return Report::refuted(what, Fault::new("H5", "header", error)),
        },
    };
    let (verdict, summary) = match (trusted, weight) {
        (Some(trusted), _) if trusted == id => (Verdict::Holds, "It is the header of the block that you trust."),
        (Some(trusted), _) => {
            let why = format!("it is the header of block {id}, not of {trusted}");
            return Report::refuted(what, Fault::new("H2", "id that you trust", why));
        }
        (None, Some(_)) => (
            Verdict::Open,
            "Its own work is there. Whether it is on a chain shows only an id that you trust, or a proof.",
        ),
        (None, None) => (
            Verdict::Open,
            "It has no parent and no work, as the genesis of a chain has none. Anyone can write such a header: what it is shows only an id that you trust.",
        ),
    };
    let mut report = Report::of(what, verdict, summary);
    report.facts = vec![
        ("Block", id.to_string()),
        ("Parent", header.parent.to_string()),
        ("Time", time(header.time)),
        ("Manifest root", format!("{:x}", header.manifest_root)),
    ];
    let work = weight.map(|weight| ("Work", format!("{weight} hashes expected")));
    report.facts.extend(work);
    report
}

fn too_long(what: &str, len: usize) -> Option<Report> {
    let why = format!("{len} bytes, at most {MAX_BYTES} are read");
    (len > MAX_BYTES).then(|| Report::unreadable(what, Fault::about("file", why)))
}

/// Where a proof or headers break a rule.
pub fn of_fault(fault: &light::LightFault, field: &str) -> Fault {
    let place = match fault.height {
        Some(height) => format!("block {height}, byte {}: ", fault.at),
        None => format!("byte {}: ", fault.at),
    };
    Fault::new(fault.rule, field, format!("{place}{}", fault.error))
}
