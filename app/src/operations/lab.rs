use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use crate::{
    base::at_base,
    model::{LabGroup, LabScenarioView, LabView},
    not_found::Missing,
    reads,
    ui::{Loaded, PageHead, branch, held_title},
};

/// The page at `/lab`: all scenarios of the security laboratory.
#[component]
pub fn Lab() -> impl IntoView {
    let lab = Resource::new(|| (), |()| reads::lab());
    view! {
        <PageHead title="Security laboratory" lead="What attackers do, and the rule that stops each attack. Run them with: tally lab run" />
        <p class="prose">
            "Each attack runs on this program's own code, against nodes of a sandbox that it starts and removes again: "
            <code>"tally lab run NAME"</code> " shows every step with the node's answers, " <code>"tally lab run --html report.html"</code>
            " writes a worksheet. Nothing of it touches this node."
        </p>
        <Loaded what="The scenarios" resource=lab show=|view: LabView| groups(view.groups).into_any() lines=12 />
    }
    .into_any()
}

fn groups(groups: Vec<LabGroup>) -> impl IntoView {
    groups.into_iter().map(group).collect_view()
}

fn group(group: LabGroup) -> impl IntoView {
    let scenarios = group.scenarios.into_iter().map(|scenario| {
        view! {
            <li>
                <a href=at_base(format!("/lab/{}", scenario.id))>{scenario.title}</a>
                " " <code>{scenario.id}</code>
            </li>
        }
    });
    view! {
        <section class="card">
            <h2>{group.title}</h2>
            <ul class="prose">{scenarios.collect_view()}</ul>
        </section>
    }
    .into_any()
}

/// The page at `/lab/{name}`: one scenario.
#[component]
pub fn LabScenario() -> impl IntoView {
    let params = use_params_map();
    let name = Memo::new(move |_| params.with(|params| params.get("name").unwrap_or_default()));
    let scenario = Resource::new(move || name.get(), reads::lab_scenario);
    let show = move |view: Option<LabScenarioView>| {
        match view {
            Some(view) => branch(move || scenario_view(view)),
            None => branch(move || {
                view! {
                    <Missing
                        what="Scenario"
                        key=name.get_untracked()
                        why="The security laboratory has no scenario of this name. The page of the laboratory lists all."
                    />
                }
            }),
        }
        .into_any()
    };
    view! {
        {held_title()}
        <Loaded what="The scenario" resource=scenario show=show lines=10 />
    }
    .into_any()
}

fn scenario_view(view: LabScenarioView) -> impl IntoView {
    let LabScenarioView {
        scenario,
        before,
        after,
    } = view;
    let rules = scenario.rules.join(", ");
    let run = format!("tally lab run {}", scenario.id);
    let neighbour = |rel: &'static str, (id, title): (String, String)| {
        view! { <a class="button" rel=rel href=at_base(format!("/lab/{id}"))>{title}</a> }
    };
    view! {
        <PageHead title=scenario.title lead=scenario.group>
            <nav class="neighbours" aria-label="Neighbouring scenarios">
                {before.map(|before| neighbour("prev", before))}
                <a class="button" href=at_base("/lab")>"All scenarios"</a>
                {after.map(|after| neighbour("next", after))}
            </nav>
        </PageHead>
        <section class="card" aria-labelledby="attack">
            <h2 id="attack">"The attack"</h2>
            <p class="prose">{scenario.attack}</p>
        </section>
        <section class="card" aria-labelledby="rule">
            <h2 id="rule">"The rules"</h2>
            <p class="prose">"Numbers of docs/protocol.md: " <strong>{rules}</strong></p>
        </section>
        <section class="card" aria-labelledby="without">
            <h2 id="without">"Without them"</h2>
            <p class="prose">{scenario.without}</p>
        </section>
        <section class="card" aria-labelledby="run">
            <h2 id="run">"Run it"</h2>
            <p class="prose"><code>{run}</code></p>
        </section>
    }
    .into_any()
}
