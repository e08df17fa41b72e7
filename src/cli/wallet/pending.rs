//! `tally wallet pending`, `speed-up` and `cancel`: what waits, and another in its place.

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use serde_json::json;
use tally_api::accounts::AccountPoolBody;
use tally_chain::transaction::ChainIdentity;
use tally_chain::{Address, BlockId, Bytes, RawTransaction, ReferenceVerifier, TxId, UnixSecs, address};
use tally_wallet::replace::replace;
use tally_wallet::{Replacement, fees, payment};

use super::super::client::Client;
use super::super::out::{After as _, errln, outln};
use super::equal;
use super::file::VaultFile;
use super::journal::{Entry, Journal, State};
use super::level::Level;
use super::send::{confirmed, show, sign};
use super::submit::{Depth, Report, again, finish, print_outcome, was_accepted};
use super::warn::{Consent, Known};

#[derive(Debug, Args)]
pub struct PendingArgs {
    /// Give up a payment without an answer: it is no longer listed, warned of or sent again. Waits for confirmation
    #[arg(long, value_name = "ID", conflicts_with = "json")]
    dismiss: Vec<TxId>,
    /// Answer the prompt with yes
    #[arg(long, short, requires = "dismiss")]
    yes: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct ResendArgs {
    /// Ids of the payments to send again; without any, all that got no answer
    ids: Vec<TxId>,
    #[command(flatten)]
    depth: Depth,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct ReplaceArgs {
    /// Id of the waiting transaction
    id: TxId,
    /// At least this level's fee, and a tenth more than the waiting one's
    #[arg(long, value_enum, default_value_t = Level::High)]
    fee: Level,
    /// Answer the prompt with yes
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    depth: Depth,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn list(file: &VaultFile, client: &Client, args: &PendingArgs) -> anyhow::Result<()> {
    let status = client.status()?;
    if !args.dismiss.is_empty() {
        return dismiss(client, &Journal::of(file)?, status.genesis_id, args);
    }
    let (vault, _) = file.open()?;
    vault.check_chain(status.genesis_id)?;
    let mut rows = Vec::new();
    for account in vault.accounts() {
        let address = account.address;
        let waiting: AccountPoolBody = client.get(&format!("accounts/{address}/pending"))?;
        let gap = waiting.gap().map(|(missing, _)| missing);
        for item in &waiting.items {
            if !args.json {
                let state = if item.pending { "pending" } else { "waits" };
                outln!("{}  {address}  nonce {:>6}  {state}", item.id, item.nonce)?;
            }
            rows.push(json!({
                "id": item.id, "from": address.to_string(), "nonce": item.nonce, "pending": item.pending,
                "max_fee": item.max_fee.to_string(), "max_priority_fee": item.max_priority_fee.to_string(), "missing": gap,
            }));
        }
        if let (Some(missing), false) = (gap, args.json) {
            outln!(
                "{address}: nonce {missing} is missing, so what comes after it waits. The next payment fills it; \
                 one that pays nobody: tally wallet send --from {address} --to {address} --amount 0"
            )?;
        }
        if waiting.count > waiting.items.len() && !args.json {
            outln!(
                "{address}: {} more wait above nonce {}",
                waiting.count - waiting.items.len(),
                waiting.nonce
            )?;
        }
    }
    for entry in open(client, &Journal::of(file)?, status.genesis_id)? {
        if !args.json {
            outln!("{}  {}  nonce {:>6}  unanswered", entry.id, entry.from, entry.nonce)?;
        }
        rows.push(
            json!({ "id": entry.id, "from": entry.from, "nonce": entry.nonce, "pending": false, "unanswered": true }),
        );
    }
    if args.json {
        outln!("{}", serde_json::to_string_pretty(&rows)?)?;
    } else if rows.is_empty() {
        outln!("nothing waits")?;
    }
    Ok(())
}

/// What got no answer and is not known to the node either; the others are named and settled by this look, on standard error:
/// one in a block is in no list of what waits, and would be paid again.
fn open(client: &Client, journal: &Journal, genesis: BlockId) -> anyhow::Result<Vec<Entry>> {
    let mut open = Vec::new();
    for entry in journal.unanswered(genesis)? {
        if !was_accepted(client, journal, entry.id)? {
            open.push(entry);
        }
    }
    Ok(open)
}

/// Gives up entries of which the node knows nothing either, once their owner has seen what may still become of them. One that
/// a node had is open as well where this one does not know it any more.
fn dismiss(client: &Client, journal: &Journal, genesis: BlockId, args: &PendingArgs) -> anyhow::Result<()> {
    let mut open = journal.entries()?;
    open.retain(|entry| entry.genesis == genesis && entry.state != State::Rejected);
    for id in &args.dismiss {
        let entry = open.iter().find(|entry| entry.id == *id);
        let entry =
            entry.with_context(|| format!("{id} is not among what was sent on this chain without an answer"))?;
        if was_accepted(client, journal, *id)? {
            continue;
        }
        let nonce = client.account(address::parse(&entry.from)?)?.nonce;
        let left = left_open(entry, nonce, (tally_node::system_clock())());
        errln!(
            "{id}, of {} with nonce {}: the node does not know it. {left}",
            entry.from,
            entry.nonce
        );
        if !args.yes && !confirmed("Dismiss it? It is then no longer listed or warned of.")? {
            bail!("nothing was dismissed");
        }
        journal.forget(*id)?;
        outln!("{id} is dismissed").after(|| format!("{id} is dismissed"))?;
    }
    Ok(())
}

/// What may still become of one that the node does not know, by its account's nonce in the chain. Rule: docs/protocol.md#W56
fn left_open(entry: &Entry, nonce: u64, now: UnixSecs) -> &'static str {
    if nonce > entry.nonce {
        "Its nonce is used: another payment took it, unless this one is in a block in which the node does not find it."
    } else if entry.is_over(now) {
        "It is more than a day old, so no block can include it any more."
    } else {
        "A node that has a copy may still include it in a block, until a day after it was made."
    }
}

pub fn resend(file: &VaultFile, client: &Client, args: &ResendArgs) -> anyhow::Result<()> {
    let genesis = client.status()?.genesis_id;
    let journal = Journal::of(file)?;
    let entries = match args.ids.as_slice() {
        [] => journal.unanswered(genesis)?,
        ids => {
            let known = journal.entries()?;
            let of = |id: &TxId| {
                known
                    .iter()
                    .find(|entry| entry.id == *id && entry.genesis == genesis)
                    .cloned()
            };
            let found =
                |id: &TxId| of(id).with_context(|| format!("{id} is not among what this wallet sent on this chain"));
            ids.iter().map(found).collect::<anyhow::Result<_>>()?
        }
    };
    if entries.is_empty() {
        outln!("nothing was sent without an answer")?;
    }
    // Each is tried, whatever became of the one before it.
    let mut failure = None;
    for entry in entries {
        let sent = again(client, &journal, &entry)
            .and_then(|()| print_outcome(client, entry.id, &Report::plain(&args.depth, args.json)));
        if let Err(error) = sent
            && let Some(earlier) = failure.replace(error)
        {
            errln!("{earlier:#}");
        }
    }
    failure.map_or(Ok(()), Err)
}

pub fn run(file: &VaultFile, client: &Client, args: &ReplaceArgs, how: Replacement) -> anyhow::Result<()> {
    let status = client.status()?;
    let (vault, _) = file.open()?;
    vault.check_chain(status.genesis_id)?;
    let chain = vault.chain().identity();
    let found = client
        .find(args.id)?
        .with_context(|| format!("the node does not know {}", args.id))?;
    if found.block.is_some() {
        bail!("{} is in a block already; nothing can take its place", args.id);
    }
    let sender = sender_of(&chain, args.id, &found.raw)?;
    vault.account(sender)?;
    let suggestions = client.fees()?;
    let fee = fees::choose(args.fee.into(), &suggestions);
    let now = (tally_node::system_clock())();
    let payload = replace(&chain, sender, found.raw, how, fee, now)?;
    let review = payment::review(&chain, sender, &payload)?;
    let balance = client.account(sender)?.balance;
    review.check_funds(balance)?;
    let journal = Journal::of(file)?;
    let known = Known {
        vault: &vault,
        journal: &journal,
        typed: None,
    };
    let warnings = known.warnings(client, &review, balance, suggestions);
    let equal = equal::find(Some(client), &journal, &review, &payload)?;
    if !args.json {
        outln!("In the place of {}:", args.id)?;
    }
    show(&review, &status.symbol, args.json, args.yes)?;
    let answered = args.consent.confirm(&warnings, equal)?;
    if !args.yes && !confirmed("Sign and send?")? {
        bail!("nothing was sent");
    }
    let signed = sign(&vault, &chain, sender, &payload, &answered)?;
    let report = Report {
        depth: &args.depth,
        json: args.json,
        warnings: &warnings,
    };
    finish(client, &journal, &signed, &report)
}

/// Whose transaction these bytes are. The answer is checked, not trusted: they are signed again, so they have to be those of this id:
/// a node could answer with an old payment whose day is over.
fn sender_of(chain: &ChainIdentity, id: TxId, envelope: &Bytes) -> anyhow::Result<Address> {
    let checked = RawTransaction::decode(envelope.clone())?.check(chain, &ReferenceVerifier)?;
    let found = checked.id();
    ensure!(
        found == id,
        "nothing was signed: the node answered with {found}, the request was for {id}"
    );
    Ok(checked.sender())
}

#[cfg(test)]
mod tests {
    use tally_chain::transaction::LIFETIME;
    use tally_chain::{Amount, B256};
    use tally_wallet::{ChainBinding, Fee, Payment, Phrase, Vault, system_rng};

    use super::*;

    #[test]
    fn what_is_signed_anew_is_what_was_requested() {
        let phrase =
            Phrase::parse("test test test test test test test test test test test junk").expect("a known phrase");
        let binding = ChainBinding {
            genesis: BlockId::ZERO,
            chain_id: 1,
            name: "test".to_owned(),
        };
        let mut vault = Vault::new(phrase, "", binding, UnixSecs(0));
        let sender = vault.add_secp256k1("").expect("added").address;
        let payment = Payment {
            to: Address::repeat_byte(1),
            value: Amount::ZERO,
            memo: String::new(),
            nonce: 0,
            timestamp: UnixSecs(1_800_000_000),
            fee: Fee {
                max_priority_fee: 1,
                max_fee: 2,
            },
        };
        let chain = vault.chain().identity();
        let account = vault.account(sender).expect("it was added");
        let payload = payment::build(&chain, account, &payment).expect("a payment");
        let key = vault.signing_key(sender).expect("derived");
        let signed = payment::sign(&chain, sender, &key, &payload, &mut system_rng()).expect("signs");
        assert_eq!(
            sender_of(&chain, signed.id, &signed.envelope).expect("it is that"),
            sender
        );
        // Dated later than it was written down: it is good for a day from then on.
        let entry = Entry::of(&signed, BlockId::ZERO, UnixSecs(1_000)).expect("it decodes");
        assert!(!entry.is_over(UnixSecs(1_800_000_000 + LIFETIME)));
        assert!(entry.is_over(UnixSecs(1_800_000_001 + LIFETIME)));
        // Another payment of the same account: no one would see the difference with --yes.
        let requested = TxId(B256::repeat_byte(7));
        let error = sender_of(&chain, requested, &signed.envelope).expect_err("it is another");
        assert_eq!(
            error.to_string(),
            format!(
                "nothing was signed: the node answered with {}, the request was for {requested}",
                signed.id
            )
        );
    }

    #[test]
    fn what_is_given_up_is_named_with_what_may_still_become_of_it() {
        let entry = Entry {
            id: TxId(B256::repeat_byte(7)),
            genesis: BlockId::ZERO,
            from: "0xA".to_owned(),
            nonce: 3,
            at: UnixSecs(1_000),
            envelope: Bytes::new(),
            state: State::Unanswered,
            again: false,
        };
        let (young, old) = (UnixSecs(1_000 + LIFETIME), UnixSecs(1_001 + LIFETIME));
        for (nonce, now, begins) in [
            (3, young, "A node that has a copy may still"),
            (3, old, "It is more than a day old"),
            (4, young, "Its nonce is used: another payment took it, unless"),
            (4, old, "Its nonce is used: another payment took it, unless"),
        ] {
            let text = left_open(&entry, nonce, now);
            assert!(text.starts_with(begins), "{nonce} {now}: {text}");
        }
    }
}
