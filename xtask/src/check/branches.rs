//! Views that take each other's place in a reactive view are branches: `app/src/ui/branch.rs` says why.

use super::tags::{closing, expression};

/// How a closure begins whose result is redrawn.
const CLOSURE: &str = "move ||";

/// What makes a view a branch.
const BRANCH: &str = "branch(";

/// What stands in the text of a view that is none.
static VIEWS: [&str; 2] = ["view!", ".into_any()"];

/// Names the closures of the interface that are a `match` or an `if` with several views, of which one is no branch. A closure with one
/// view, beside nothing, needs none: there is no other to be rebuilt into.
pub fn check(files: &[(String, String)]) -> Vec<String> {
    let sources = files
        .iter()
        .filter(|(path, _)| path.starts_with("app/src/") && path.ends_with(".rs"));
    sources
        .flat_map(|(path, source)| {
            let mixed = choices(source).filter(|(_, choice)| is_mixed(choice));
            mixed.map(move |(at, _)| {
                let line = source[..=at].lines().count();
                format!("{path}:{line}: views that take each other's place stand in {BRANCH}…)")
            })
        })
        .collect()
}

/// Where closures stand that are a `match` or an `if`, with the text of that.
fn choices(source: &str) -> impl Iterator<Item = (usize, &str)> {
    source.match_indices(CLOSURE).filter_map(|(at, _)| {
        let body = source[at + CLOSURE.len()..].trim_start();
        // A block around it changes nothing.
        let choice = body.strip_prefix('{').unwrap_or(body).trim_start();
        let is_choice = ["match ", "if "].iter().any(|word| choice.starts_with(word));
        is_choice.then(|| (at, expression(choice)))
    })
}

/// Whether there are several views, of which one is no branch.
fn is_mixed(choice: &str) -> bool {
    let (mut rest, mut branches, mut others) = (choice, 0, 0);
    while let Some((before, _)) = rest.split_once(BRANCH) {
        branches += 1;
        others += views(before);
        let branch = &rest[before.len() + BRANCH.len() - 1..];
        rest = closing(branch).map_or("", |end| &branch[end..]);
    }
    others += views(rest);
    others > 0 && others + branches > 1
}

fn views(text: &str) -> usize {
    VIEWS.iter().map(|view| text.matches(view).count()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(source: &str) -> Vec<String> {
        check(&[("app/src/page.rs".to_owned(), source.to_owned())])
    }

    #[test]
    fn views_in_the_same_place_that_are_no_branches_are_named() {
        for bad in [
            "{move || match step.get() { Step::A => view! { <A /> }, Step::B => view! { <B /> } }}",
            "{move || { match step.get() { Step::A => view! { <A /> }, _ => branch(|| view! { <B /> }) } }}",
            "let one = move || if a.get() { view! { <A /> }.into_any() } else { \"b\".into_any() };",
            "let one = move || match a.get() {\n    Some(a) => branch(move || a),\n    None => view! { <A /> },\n};",
        ] {
            let found = lines(&format!("// one line before\n{bad}\n"));
            assert_eq!(found.len(), 1, "{bad}: {found:?}");
            assert!(found[0].starts_with("app/src/page.rs:2: views"), "{found:?}");
        }
    }

    #[test]
    fn branches_single_views_and_texts_pass() {
        for good in [
            "{move || match step.get() { Step::A => branch(|| view! { <A /> }), Step::B => branch(|| view! { <B /> }) }}",
            "{move || match a.get() { Some(a) => Some(view! { <A a=a /> }), None => None }}",
            "{move || if a.get() { \"a\" } else { \"b\" }} {view! { <A /> }} {view! { <B /> }}",
            "class=move || if a.get() { \"a\" } else { \"b\" } /> {move || view! { <A /> }.into_any()}",
            "let one = move || match a.get() { Some(_) => \"}\", None => \"b\" }; view! { <A /> }.into_any()",
        ] {
            assert_eq!(lines(good), Vec::<String>::new(), "{good}");
        }
    }
}
