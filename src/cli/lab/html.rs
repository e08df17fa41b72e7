//! The report as one page: for printing, and as a worksheet. It has no script and loads nothing.

use std::fmt::Write as _;

use tally_chain::visible;
use tally_lab::Group;
use tally_lab::report::{Outcome, Report, Step};

const STYLE: &str = "body{font:11pt/1.45 Georgia,serif;max-width:50rem;margin:2rem auto;padding:0 1rem;color:#111}\
    h1,h2,h3{font-family:system-ui,sans-serif;line-height:1.2}h2{margin-top:2.5rem;border-bottom:2px solid #111}\
    article{margin:1.8rem 0;break-inside:avoid}.held{color:#0a5c2b}.failed{color:#a00000}\
    table{border-collapse:collapse;width:100%;font-size:9.5pt}th,td{border:1px solid #888;padding:.3rem .45rem;text-align:left;\
    vertical-align:top;overflow-wrap:anywhere}th{background:#eee}.wrong{background:#fbe3e3}\
    .own{border:1px dashed #888;min-height:3.2rem;padding:.3rem .45rem;color:#555;font-size:9.5pt}\
    nav li{break-inside:avoid}@page{margin:18mm}@media print{body{margin:0;max-width:none}a{color:inherit}}";

/// Text of anyone as text of a page: nothing of it is markup, and what cannot be seen is written out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in visible::escaped(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

fn step(number: usize, step: &Step) -> String {
    let class = if step.as_expected { "" } else { " class=\"wrong\"" };
    format!(
        "<tr{class}><td>{number}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
        escaped(&step.what),
        escaped(&step.answer.line()),
        escaped(&step.expected)
    )
}

fn article(outcome: &Outcome) -> String {
    let (class, word) = match outcome.held {
        true => ("held", "held"),
        false => ("failed", "failed"),
    };
    let rules: Vec<_> = outcome.rules.iter().map(|rule| escaped(&rule.link)).collect();
    let steps: String = (1..)
        .zip(&outcome.steps)
        .map(|(number, one)| step(number, one))
        .collect();
    format!(
        "<article id=\"{id}\">\n<h3>{title} <small>({id}: <span class=\"{class}\">{word}</span>)</small></h3>\n\
         <p><b>The attack.</b> {attack}</p>\n<p><b>Rules.</b> {rules}</p>\n\
         <p class=\"own\">What do you expect the node to do, and why?</p>\n\
         <table><thead><tr><th></th><th>What was done</th><th>What came</th><th>What the rules demand</th></tr></thead>\n\
         <tbody>\n{steps}</tbody></table>\n<p><b>Verdict.</b> {verdict}</p>\n\
         <p><b>Without the rule.</b> {without}</p>\n</article>\n",
        id = escaped(&outcome.id),
        title = escaped(&outcome.title),
        attack = escaped(&outcome.attack),
        rules = rules.join(", "),
        verdict = escaped(&outcome.verdict),
        without = escaped(&outcome.without),
    )
}

/// The whole page.
pub fn page(report: &Report) -> String {
    let mut body = String::new();
    for group in Group::ALL {
        let own: Vec<_> = report
            .scenarios
            .iter()
            .filter(|outcome| outcome.group == group)
            .collect();
        if own.is_empty() {
            continue;
        }
        let articles: String = own.into_iter().map(article).collect();
        let _ = write!(body, "<h2>{}</h2>\n{articles}", escaped(group.title()));
    }
    let note = match report.untampered {
        true => "<p><b>The honest version was sent in place of each attack: the scenarios have to fail.</b></p>\n",
        false => "",
    };
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"content-security-policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>Security laboratory</title>\n<style>{STYLE}</style>\n\
         </head>\n<body>\n<h1>Security laboratory</h1>\n\
         <p>Tally {tally}, chain {chain} (chain id {chain_id}), genesis {genesis}. {held} scenarios ended as the rules demand, \
         {failed} did not. Rules are those of docs/protocol.md.</p>\n{note}{body}</body>\n</html>\n",
        tally = escaped(&report.tally),
        chain = escaped(&report.chain),
        chain_id = report.chain_id,
        genesis = escaped(&report.genesis),
        held = report.held,
        failed = report.failed,
    )
}

#[cfg(test)]
mod tests {
    use tally_lab::report::{Answer, VERSION};
    use tally_lab::{Scenario, report};

    use super::*;

    #[test]
    fn nothing_that_a_node_says_is_markup() {
        let scenario = Scenario::named("tx-bit-flip").expect("it is in the catalogue");
        let hostile = "<script>alert('1')</script>\u{202e}\"&";
        let steps = vec![report::Step {
            what: hostile.to_owned(),
            answer: Answer::Refused {
                kind: hostile.to_owned(),
                detail: hostile.to_owned(),
            },
            expected: hostile.to_owned(),
            as_expected: false,
        }];
        let outcome = Outcome::of(scenario, steps, 1);
        let page = page(&Report {
            version: VERSION,
            tally: hostile.to_owned(),
            chain: hostile.to_owned(),
            chain_id: 1,
            genesis: hostile.to_owned(),
            untampered: true,
            held: 0,
            failed: 1,
            scenarios: vec![outcome],
        });
        assert!(!page.contains("<script") && !page.contains('\u{202e}'));
        assert!(page.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;\\u{202e}&quot;&amp;"));
        assert!(page.contains("<span class=\"failed\">failed</span>") && page.contains("the scenarios have to fail"));
    }
}
