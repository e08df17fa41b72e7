//! What was sent and received, by account. Each line is checked in this tab once it is in a block.

pub mod export;
mod pending;

use std::collections::{HashMap, HashSet};

use leptos::{prelude::*, task::spawn_local};
use tally_chain::TxId;

use export::Export;
use pending::{Actions, Elsewhere, Pending, Waiting};

use crate::{
    format,
    light::Light,
    live::Live,
    model::{AccountView, ChainInfo, HistoryLine, RewardRow, Status, TransactionRow},
    reads,
    ui::{
        AddressLink, Amount, BlockLink, ButtonLink, Empty, Followed, Mark, MarkState, Notice, NoticeKind, PageHead,
        StatusBadge, Time, TransactionLink, branch,
    },
    verify::{Proof, proofs},
    wallet::{
        access::gate::Gate,
        parts::account::{AccountSelect, chosen_account},
        sending::{confirm::Confirm, follow::Follow},
        session::Wallet,
    },
};

/// Rows shown here; the account's own page has them all.
const ROWS: u32 = 20;

/// The page at `/wallet/history`.
#[component]
pub fn History() -> impl IntoView {
    view! {
        <PageHead
            title="History"
            lead="Pending payments first, then the newest blocks. “Verified here”: signed as shown, from or to this account, in a block of the chain that this tab has verified from genesis, with the outcome of its receipt. Mining rewards are not verified."
        />
        <Gate>
            <Content />
        </Gate>
    }
}

#[component]
fn Content() -> impl IntoView {
    let live = Live::get();
    let witness = Witness::new();
    let pending = Pending::provide();
    let sent = RwSignal::new(None::<String>);
    let chosen = chosen_account("account");
    let account = Resource::new(
        move || (chosen.get(), live.on_pool()),
        |(address, _)| reads::account(address, None, ROWS),
    );
    let show = move |account: Signal<Option<AccountView>>| {
        view! { <Rows chosen=chosen account=account witness=witness /> }.into_any()
    };
    let confirm = move || {
        pending.prepared.get().map(|prepared| {
            let on_back = Callback::new(move |()| pending.prepared.set(None));
            let on_sent = Callback::new(move |id| {
                pending.prepared.set(None);
                sent.set(Some(id));
            });
            view! { <Confirm prepared=prepared on_back=on_back on_sent=on_sent /> }
        })
    };
    let following = move || {
        sent.get()
            .map(|id| view! { <section class="card wallet-sent"><Follow id=id /></section> })
    };
    view! {
        {confirm}
        {following}
        <AccountSelect label="Account" name="history-account" chosen=chosen />
        <Waiting account=chosen />
        <Elsewhere />
        <Followed what="The history" resource=account show=show />
        <Export account=chosen />
    }
}

/// What is shown of what the node answered.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Shown {
    /// It is about another account than the request.
    Other {
        own: String,
        other: String,
    },
    Nothing,
    Lines {
        of: String,
    },
}

impl Shown {
    /// `own` is the account that was requested.
    fn of(own: String, account: Option<&AccountView>) -> Self {
        let other = account.map(|account| &account.address);
        if let Some(other) = other.filter(|other| !own.is_empty() && **other != own) {
            let other = other.clone();
            return Self::Other { own, other };
        }
        match account.filter(|account| !account.history.items.is_empty()) {
            Some(account) => Self::Lines {
                of: account.address.clone(),
            },
            None => Self::Nothing,
        }
    }
}

#[component]
fn Rows(chosen: RwSignal<String>, account: Signal<Option<AccountView>>, witness: Witness) -> impl IntoView {
    // Another may be chosen while what is shown is still that of the one before.
    let shown = Memo::new(move |_| account.with(|account| Shown::of(chosen.get_untracked(), account.as_ref())));
    move || match shown.get() {
        Shown::Other { own, other } => branch(move || {
            let words = format!("The request was for {own}, the answer is about {other}. It is not shown.");
            view! {
                <Notice kind=NoticeKind::Error title="The node answered about another account">
                    <p>{words}</p>
                </Notice>
            }
        }),
        Shown::Nothing => branch(|| {
            view! {
                <Empty title="Nothing yet">
                    <p>"Payments from and to this account appear here as soon as the node knows them."</p>
                    <ButtonLink href="/wallet/receive">"Receive"</ButtonLink>
                </Empty>
            }
        }),
        Shown::Lines { of } => branch(move || view! { <Lines of=of account=account witness=witness /> }),
    }
}

/// The history of the account `of`. A line is drawn once: a button in it stays that of its payment, with the focus that it has.
#[component]
fn Lines(of: String, account: Signal<Option<AccountView>>, witness: Witness) -> impl IntoView {
    let href = format!("/account/{of}");
    let light = Light::get();
    let own = StoredValue::new(of.clone());
    let checked = of.clone();
    let lines = Memo::new(move |_| {
        account.with(|account| {
            let account = account.as_ref().filter(|account| account.address == of);
            account.map_or_else(Vec::new, |account| once(account.history.items.clone()))
        })
    });
    let more = Memo::new(move |_| {
        account.with(|account| account.as_ref().is_some_and(|account| account.history.next.is_some()))
    });
    Effect::new(move |_| {
        // What could not be checked is tried again with each answer.
        account.track();
        light.revision();
        let payments = lines.with(|lines| {
            let payments = lines.iter().filter_map(|line| match line {
                HistoryLine::Transaction(row) => Some(row.clone()),
                HistoryLine::Reward(_) => None,
            });
            payments.collect()
        });
        witness.check(checked.clone(), payments);
    });
    let row = move |(_, line): (String, HistoryLine)| match line {
        HistoryLine::Transaction(row) => view! { <Line own=own.get_value() row=row witness=witness /> }.into_any(),
        HistoryLine::Reward(row) => view! { <RewardLine row=row /> }.into_any(),
    };
    let whole = move || {
        let href = href.clone();
        more.get()
            .then(|| view! { <ButtonLink href=href>"All of it in the explorer"</ButtonLink> })
    };
    view! {
        <ol class="card lines payments" aria-label="Payments">
            <For each=move || with_keys(lines.get()) key=|line| line.0.clone() children=row />
        </ol>
        {whole}
    }
}

/// The lines with their keys: all that a line shows, so that it is drawn again where that changed, and a number, since a node may
/// send the same line twice.
fn with_keys(lines: Vec<HistoryLine>) -> Vec<(String, HistoryLine)> {
    let mut counts = HashMap::<String, usize>::new();
    let keyed = lines.into_iter().map(|line| {
        let content = serde_json::to_string(&line).unwrap_or_default();
        let count = counts.entry(content.clone()).or_default();
        *count += 1;
        (format!("{count} {content}"), line)
    });
    keyed.collect()
}

/// Each transaction once, as in a block where it is in one: shown twice, each line would be verified, and two payments would
/// seem to be there where one was made.
fn once(lines: Vec<HistoryLine>) -> Vec<HistoryLine> {
    // An id can be written in several ways.
    let id = |row: &TransactionRow| {
        row.id
            .parse::<TxId>()
            .map_or_else(|_| row.id.clone(), |id| id.to_string())
    };
    let in_blocks: HashSet<String> = lines
        .iter()
        .filter_map(|line| match line {
            HistoryLine::Transaction(row) if row.block.is_some() => Some(id(row)),
            HistoryLine::Transaction(_) | HistoryLine::Reward(_) => None,
        })
        .collect();
    let mut shown = HashSet::new();
    let is_new = |line: &HistoryLine| match line {
        HistoryLine::Transaction(row) => {
            let id = id(row);
            (row.block.is_some() || !in_blocks.contains(&id)) && shown.insert(id)
        }
        HistoryLine::Reward(_) => true,
    };
    lines.into_iter().filter(is_new).collect()
}

/// What the account received for a block that it produced: only the node reports it, since no commitment of a block has it.
#[component]
fn RewardLine(row: RewardRow) -> impl IntoView {
    view! {
        <li class="line">
            <div class="line-main">
                <span class="cell-row">
                    <span aria-hidden="true">"↘"</span>
                    <strong>{format!("Block reward, block {}", format::count(row.height))}</strong>
                </span>
                <span class="cell-row">
                    <Time at=row.time />
                    <BlockLink id=row.block bare=true />
                </span>
            </div>
            <div class="line-side">
                <strong><Amount value=row.value /></strong>
                <span class="cell-row"><Mark state=MarkState::Claimed /></span>
            </div>
        </li>
    }
}

/// One payment from the account's side.
#[component]
fn Line(own: String, row: TransactionRow, witness: Witness) -> impl IntoView {
    let mark = witness.mark(&own, &row);
    let to = row.to.clone().unwrap_or_default();
    let waits = row.status == Status::Pending && row.from == own && Wallet::get().can_sign(&own);
    let actions = waits.then(|| view! { <Actions row=row.clone() /> });
    let (sign, word, other) = match (row.from == own, to == own) {
        (true, true) => ("↻", "To itself", own),
        (true, false) => ("↗", "Sent to", to),
        (false, _) => ("↘", "Received from", row.from.clone()),
    };
    view! {
        <li class="line">
            <div class="line-main">
                <span class="cell-row">
                    <span aria-hidden="true">{sign}</span>
                    <strong>{word}</strong>
                    <AddressLink address=other bare=true />
                </span>
                <span class="cell-row">
                    <Time at=row.time />
                    <TransactionLink id=row.id bare=true />
                </span>
            </div>
            <div class="line-side">
                <strong><Amount value=row.value /></strong>
                <span class="cell-row"><StatusBadge status=row.status /> <Mark state=mark /></span>
                {actions}
            </div>
        </li>
    }
}

/// What this tab checked itself, by transaction and block. It outlives the list, so that reading the list again does
/// not make what was verified look unverified.
#[derive(Clone, Copy)]
struct Witness {
    chain: StoredValue<ChainInfo>,
    light: Light,
    marks: RwSignal<HashMap<String, Known>>,
}

/// What a check of a line came to, and the light client's revision in which it began.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    revision: u32,
    mark: MarkState,
}

impl Known {
    /// Whether the line need not be checked in this revision. What could not be compared with a verified chain is tried again.
    fn is_settled(&self, revision: u32) -> bool {
        self.revision == revision && !matches!(self.mark, MarkState::Unverified(_))
    }

    /// The mark in this revision: one of an earlier one is of a chain that was left, or is no longer verified.
    fn mark(&self, revision: u32) -> MarkState {
        match self.revision == revision {
            true => self.mark.clone(),
            false => MarkState::Checking,
        }
    }
}

impl Witness {
    fn new() -> Self {
        Self {
            chain: StoredValue::new(expect_context()),
            light: Light::get(),
            marks: RwSignal::default(),
        }
    }

    /// The mark of a line; one that still waits is only what the node reports.
    fn mark(self, own: &str, row: &TransactionRow) -> Signal<MarkState> {
        let key = key(own, row);
        Signal::derive(move || {
            let revision = self.light.revision();
            let known = key.as_ref().and_then(|key| {
                self.marks
                    .with(|marks| marks.get(key).map(|known| known.mark(revision)))
            });
            known.unwrap_or(MarkState::Claimed)
        })
    }

    /// Checks those lines of the account `own` that were not checked in this revision, one after the other.
    fn check(self, own: String, rows: Vec<TransactionRow>) {
        spawn_local(async move {
            let Some(chain) = self.chain.try_get_value() else {
                return;
            };
            let Some(revision) = self.light.revision_now() else {
                return;
            };
            for row in rows {
                let Some(key) = key(&own, &row) else { continue };
                let settled =
                    |marks: &HashMap<String, Known>| marks.get(&key).is_some_and(|known| known.is_settled(revision));
                if self.marks.try_with_untracked(settled) != Some(false) {
                    continue;
                }
                let mark = MarkState::Checking;
                let _ = self
                    .marks
                    .try_update(|marks| marks.insert(key.clone(), Known { revision, mark }));
                let mark = check_line(&chain, self.light, &own, &row).await;
                // Another revision has begun, and all lines with it.
                if self.light.revision_now() != Some(revision) {
                    return;
                }
                let _ = self.marks.try_update(|marks| match mark {
                    Some(mark) => marks.insert(key, Known { revision, mark }),
                    None => marks.remove(&key),
                });
            }
        });
    }
}

/// The mark that a line of the account `own` earns; none where it could not be checked now, which is not wrong: it may be
/// tried again.
async fn check_line(chain: &ChainInfo, light: Light, own: &str, row: &TransactionRow) -> Option<MarkState> {
    let proof = proofs::row(chain.clone(), light, own.to_owned(), row.clone())
        .await
        .ok()?;
    Some(match proof {
        Ok(Proof::Whole) => MarkState::Verified,
        Ok(Proof::ButOutcome) => MarkState::Claimed,
        Ok(Proof::ButBlock(why)) => MarkState::Unverified(why),
        Err(why) => MarkState::Failed(why),
    })
}

/// Names all that a line shows of a transaction in a block; none while it waits. A line with other content is checked
/// by itself.
fn key(own: &str, row: &TransactionRow) -> Option<String> {
    row.block.as_ref()?;
    serde_json::to_string(&(own, row)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{BaseUnits, BlockRef};

    fn line(id: &str, height: Option<u64>) -> HistoryLine {
        HistoryLine::Transaction(TransactionRow {
            status: height.map_or(Status::Pending, |_| Status::Succeeded),
            block: height.map(|height| BlockRef {
                height,
                id: "ab".to_owned(),
                time: 7,
                index: 0,
            }),
            ..TransactionRow::waiting(id)
        })
    }

    #[test]
    fn a_line_is_checked_again_in_each_revision() {
        for (mark, settled) in [
            (MarkState::Verified, true),
            (MarkState::Failed("no".to_owned()), true),
            (MarkState::Checking, true),
            (MarkState::Unverified("no tip".to_owned()), false),
        ] {
            let known = Known {
                revision: 3,
                mark: mark.clone(),
            };
            assert_eq!((known.is_settled(3), known.mark(3)), (settled, mark));
            assert_eq!((known.is_settled(4), known.mark(4)), (false, MarkState::Checking));
        }
    }

    #[test]
    fn no_payment_is_listed_twice() {
        let (one, other) = (format!("0x{}", "ab".repeat(32)), format!("0x{}", "cd".repeat(32)));
        let shouted = format!("0x{}", "AB".repeat(32));
        let reward = HistoryLine::Reward(RewardRow {
            height: 12,
            block: "ab".to_owned(),
            time: 7,
            value: BaseUnits::new(5),
        });
        let lines = vec![
            line(&one, None),
            line(&other, None),
            line(&one, Some(12)),
            reward.clone(),
            reward.clone(),
            line(&one, Some(12)),
            line(&shouted, Some(11)),
        ];
        let expected = vec![line(&other, None), line(&one, Some(12)), reward.clone(), reward];
        let lines = once(lines);
        assert_eq!(lines, expected);
        // Two lines of one key would break the list.
        let keys: HashSet<String> = with_keys(lines).into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys.len(), expected.len());
    }
}
