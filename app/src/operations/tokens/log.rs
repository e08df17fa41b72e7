//! The log of what was done with tokens, the newest entry first, and all of it as a file.

use leptos::{prelude::*, task::spawn_local};
use tally_api::tokens::{LogEntryBody, LogPageBody};

use super::state::{AdminState, LOG_PATH, Reading};
use crate::{
    browser,
    operations::failed::ActionFailed,
    ui::{Button, Empty, Notice, NoticeKind, ReadError, Skeleton, Table, Time, branch},
};

/// The name of the file.
const FILE: &str = "operator-log.ndjson";

#[component]
pub fn ActionLog(state: AdminState) -> impl IntoView {
    let failure = RwSignal::new(String::new());
    let busy = RwSignal::new(false);
    let retry = Callback::new(move |()| state.read());
    let save = move |_| {
        busy.set(true);
        spawn_local(async move {
            let found = state.operator.bytes(&format!("{LOG_PATH}?format=ndjson")).await;
            let _ = busy.try_set(false);
            let _ = failure.try_set(match found {
                Ok(bytes) => {
                    browser::download(FILE, &bytes);
                    String::new()
                }
                Err(why) => why,
            });
        });
    };
    let shown = move || match state.log.get() {
        Reading::Waiting => branch(|| view! { <Skeleton lines=4 /> }),
        Reading::Failed(why) => branch(move || view! { <ReadError what="The log" why=why retry=retry /> }),
        Reading::Read(page) if page.items.is_empty() => branch(|| {
            view! {
                <Empty title="Nothing was done yet">
                    <p>"What is done with a token stands here: by whom, from where, and what came of it."</p>
                </Empty>
            }
        }),
        Reading::Read(page) => branch(move || view! { <Entries state=state page=page /> }),
    };
    view! {
        <section aria-labelledby="operator-log">
            <h2 id="operator-log">"What was done"</h2>
            <p class="prose">
                "Each entry has the hash of the one before, so that a change of what was written shows. Save the log elsewhere from time to time: only there it is safe from those who may write the node's disk."
            </p>
            {shown}
            <ActionFailed title="The log was not saved" why=failure />
            <div class="actions">
                <Button busy=busy on:click=save>"Save the whole log"</Button>
            </div>
        </section>
    }
    .into_any()
}

#[component]
fn Entries(state: AdminState, page: LogPageBody) -> impl IntoView {
    let entries = RwSignal::new(page.items);
    let older = RwSignal::new(page.older);
    let failure = RwSignal::new(String::new());
    let busy = RwSignal::new(false);
    let more = move |_| {
        let Some(before) = older.get_untracked() else { return };
        busy.set(true);
        spawn_local(async move {
            let found = state
                .operator
                .read::<LogPageBody>(&format!("{LOG_PATH}?before={before}"))
                .await;
            let _ = busy.try_set(false);
            match found {
                Ok(page) => {
                    let _ = failure.try_set(String::new());
                    let _ = entries.try_update(|entries| entries.extend(page.items));
                    let _ = older.try_set(page.older);
                }
                Err(why) => {
                    let _ = failure.try_set(why);
                }
            }
        });
    };
    let faults = (page.fault_count > 0).then(|| {
        let places = page.faults.into_iter().map(|fault| {
            let place = match fault.line {
                0 => fault.file,
                line => format!("{}, line {line}", fault.file),
            };
            view! { <li>{format!("{place}: {}", fault.reason)}</li> }
        });
        view! {
            <Notice kind=NoticeKind::Error title="The log is not as the node wrote it">
                <p>{format!("Found when the node started, in {} places:", page.fault_count)}</p>
                <ul>{places.collect_view()}</ul>
            </Notice>
        }
    });
    let head = view! {
        <th scope="col" class="numeric">"Number"</th>
        <th scope="col">"When"</th>
        <th scope="col">"Who"</th>
        <th scope="col">"What"</th>
        <th scope="col">"What came of it"</th>
    }
    .into_any();
    view! {
        {faults}
        <Table caption="What was done with tokens" head=head>
            <For each=move || entries.get() key=|entry| entry.sequence let:entry>
                <Row entry=entry />
            </For>
        </Table>
        <ActionFailed title="Older entries could not be read" why=failure />
        <Show when=move || older.get().is_some()>
            <div class="actions">
                <Button busy=busy on:click=more>"Show older entries"</Button>
            </div>
        </Show>
    }
    .into_any()
}

#[component]
fn Row(entry: LogEntryBody) -> impl IntoView {
    let actor = match entry.actor.id == entry.actor.name {
        true => entry.actor.id,
        false => format!("{} ({})", entry.actor.name, entry.actor.id),
    };
    let address = entry.address.map(|address| format!(" from {address}"));
    view! {
        <tr>
            <td data-label="Number" class="numeric">{entry.sequence.to_string()}</td>
            <td data-label="When"><Time at=entry.time /></td>
            <td data-label="Who">{actor} {address}</td>
            <td data-label="What"><code class="wrap">{entry.action} " " {entry.parameters.to_string()}</code></td>
            <td data-label="What came of it">{entry.outcome}</td>
        </tr>
    }
    .into_any()
}
