use std::future::Future;

use leptos::{prelude::*, task::spawn_local};

use super::CheckLine;
use crate::{
    browser,
    light::Light,
    ui::{Mark, MarkState},
};

/// Where a page's checks stand. It lives with the page, so that reading the same again does not
/// make what was verified look unverified.
#[derive(Clone, Copy, Default)]
pub struct Checks(RwSignal<Standing>);

#[derive(Clone)]
struct Standing {
    /// What the lines are about: all that is compared, so that no mark stands beside what was never checked.
    subject: String,
    /// What the light client had shown when they were checked: a verdict ends with it.
    revision: u32,
    started: bool,
    lines: Result<Vec<CheckLine>, String>,
}

impl Default for Standing {
    fn default() -> Self {
        Self {
            subject: String::new(),
            revision: 0,
            started: false,
            lines: Ok(Vec::new()),
        }
    }
}

impl Standing {
    /// Turns to a subject. The lines of the same content stay until it is checked again, those of any other go; so do those of
    /// a chain that is no longer verified, for a node need not send what they are checked by once more.
    fn begin(&mut self, subject: &str, revision: u32) {
        if self.subject != subject || self.revision != revision || !self.started {
            *self = Self {
                subject: subject.to_owned(),
                revision,
                started: true,
                ..Self::default()
            };
        }
    }

    /// Takes a verdict, unless the page or the light client shows something else by now.
    fn end(&mut self, subject: &str, revision: u32, lines: Result<Vec<CheckLine>, String>) {
        if self.subject == subject && self.revision == revision {
            self.lines = lines;
        }
    }

    /// The state of the check in this place of the list; `idle` is that of all before anything runs.
    fn state(&self, place: usize, idle: MarkState) -> MarkState {
        match &self.lines {
            _ if !self.started => idle,
            Err(_) => MarkState::Claimed,
            Ok(lines) => lines.get(place).map_or(MarkState::Checking, mark),
        }
    }
}

impl Checks {
    /// Checks a subject, which is all that is compared, once the page runs in a browser: `gather` fetches the bytes and
    /// checks them.
    pub fn run<F>(self, subject: String, gather: impl Fn() -> F + 'static)
    where
        F: Future<Output = Result<Vec<CheckLine>, String>> + 'static,
    {
        let light = Light::get();
        Effect::new(move |_| {
            // What could not be checked before a tip was verified is checked then, and what was is checked again.
            let revision = light.revision();
            if browser::now().is_none() {
                return;
            }
            self.0.update(|standing| standing.begin(&subject, revision));
            let (subject, work) = (subject.clone(), gather());
            spawn_local(async move {
                let lines = work.await;
                let _ = self.0.try_update(|standing| standing.end(&subject, revision, lines));
            });
        });
    }

    /// Checks that take a moment have begun.
    pub fn begin(self) {
        self.0.set(Standing {
            started: true,
            ..Standing::default()
        });
    }

    /// Shows checks that were made at once.
    pub fn show(self, lines: Vec<CheckLine>) {
        self.0.set(Standing {
            started: true,
            lines: Ok(lines),
            ..Standing::default()
        });
    }

    /// Nothing is checked any more.
    pub fn clear(self) {
        self.0.set(Standing::default());
    }

    /// The state of the check in this place of the list.
    fn state(self, place: usize, idle: MarkState) -> MarkState {
        self.0.with(|standing| standing.state(place, idle))
    }

    /// Why the checks could not be made at all.
    fn failure(self) -> Option<String> {
        self.0.with(|standing| standing.lines.as_ref().err().cloned())
    }
}

/// What a line's outcome is shown as.
fn mark(line: &CheckLine) -> MarkState {
    match (&line.outcome, &line.claimed) {
        (Some(Ok(())), _) => MarkState::Verified,
        (Some(Err(why)), _) => MarkState::Failed(why.clone()),
        (None, Some(why)) => MarkState::Unverified(why.clone()),
        (None, None) => MarkState::Claimed,
    }
}

/// The list of checks with a mark each.
#[component]
pub fn CheckPanel(
    checks: Checks,
    titles: &'static [(&'static str, &'static str)],
    /// What only the node reports even when every check holds.
    #[prop(into)]
    remains: String,
    /// Whether checks run only when the user starts them: before that there is no claim of a node either.
    #[prop(optional)]
    on_request: bool,
) -> impl IntoView {
    let idle = if on_request {
        MarkState::Unchecked
    } else {
        MarkState::Claimed
    };
    let lines = titles
        .iter()
        .enumerate()
        .map(|(place, (title, explanation))| {
            let idle = idle.clone();
            view! {
                <li class="verify-line">
                    <strong>{*title}</strong>
                    <span class="verify-text">{*explanation}</span>
                    <Mark state=Signal::derive(move || checks.state(place, idle.clone())) />
                </li>
            }
        })
        .collect_view();
    view! {
        <section class="card verify" aria-labelledby="verify">
            <h2 id="verify">"Checks of this tab"</h2>
            <ul class="verify-lines">{lines}</ul>
            <p class="verify-remains">
                {(!on_request).then(|| view! { <Mark state=MarkState::Claimed /> })}
                <span>{remains}</span>
            </p>
            {move || {
                checks
                    .failure()
                    .map(|why| view! { <p class="field-error" role="alert">{format!("The bytes could not be fetched, so nothing was checked: {why}")}</p> })
            }}
        </section>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(outcome: Result<(), String>) -> Result<Vec<CheckLine>, String> {
        Ok(vec![CheckLine {
            title: "T",
            explanation: "E",
            outcome: Some(outcome),
            claimed: None,
        }])
    }

    fn state(standing: &Standing) -> MarkState {
        standing.state(0, MarkState::Claimed)
    }

    #[test]
    fn a_mark_is_of_the_content_that_was_checked() {
        let mut standing = Standing::default();
        assert_eq!(state(&standing), MarkState::Claimed, "nothing runs yet");
        assert_eq!(standing.state(0, MarkState::Unchecked), MarkState::Unchecked);
        standing.begin("true", 1);
        assert_eq!(state(&standing), MarkState::Checking);
        standing.end("true", 1, lines(Ok(())));
        assert_eq!(state(&standing), MarkState::Verified);
        // Read again and the same: the mark stays.
        standing.begin("true", 1);
        assert_eq!(state(&standing), MarkState::Verified);
        // Something else under the same id: nothing of the old verdict stays, and none that was under way is taken.
        standing.begin("false", 1);
        assert_eq!(state(&standing), MarkState::Checking);
        standing.end("true", 1, lines(Ok(())));
        assert_eq!(state(&standing), MarkState::Checking);
        standing.end("false", 1, lines(Err("no".to_owned())));
        assert_eq!(state(&standing), MarkState::Failed("no".to_owned()));
        standing.end("false", 1, Err("no answer".to_owned()));
        assert_eq!(state(&standing), MarkState::Claimed);
        // The same content, but the chain that it was checked by is no longer verified: whether it is read again or not, and
        // whatever a check under way comes to.
        standing.end("false", 1, lines(Ok(())));
        assert_eq!(state(&standing), MarkState::Verified);
        standing.begin("false", 2);
        assert_eq!(state(&standing), MarkState::Checking);
        standing.end("false", 1, lines(Ok(())));
        assert_eq!(state(&standing), MarkState::Checking);
        standing.end("false", 2, lines(Ok(())));
        assert_eq!(state(&standing), MarkState::Verified);
    }
}
