//! Attributes and handlers that are put on components: only where the type of the component is that of its element.

/// What such an attribute begins with; without one of them it is a property of the component.
static SPREADS: [&str; 7] = [" on:", " attr:", " prop:", " class:", " style:", " use:", " {.."];

/// Before a component whose type is not erased.
const TRANSPARENT: &str = "#[component(transparent)]";

/// Names the lines of the interface where something is put on a component whose type is erased. When Leptos rebuilds such a view, it
/// keeps the handlers from before and drops the new ones: the button of the next step does what the one before it did.
pub fn check(files: &[(String, String)]) -> Vec<String> {
    let sources = || {
        files
            .iter()
            .filter(|(path, _)| path.starts_with("app/src/") && path.ends_with(".rs"))
    };
    let fine: Vec<&str> = sources().flat_map(|(_, source)| transparent(source)).collect();
    let mut found = Vec::new();
    for (path, source) in sources() {
        for (at, name) in spreads(source) {
            if !fine.contains(&name) {
                let line = source[..=at].lines().count();
                found.push(format!(
                    "{path}:{line}: <{name}> takes attributes and handlers only as a component that is {TRANSPARENT}"
                ));
            }
        }
    }
    found
}

/// The names of components whose type is not erased.
fn transparent(source: &str) -> impl Iterator<Item = &str> {
    source
        .split(TRANSPARENT)
        .skip(1)
        .filter_map(|rest| rest.split_once("fn ")?.1.split(['(', '<']).next())
}

/// Where something is put on a component, with its name. Types in angle brackets look alike, but nothing is put on them.
fn spreads(source: &str) -> impl Iterator<Item = (usize, &str)> {
    source.match_indices('<').filter_map(|(at, _)| {
        let rest = &source[at + 1..];
        let length = rest
            .find(|sign: char| !sign.is_ascii_alphanumeric())
            .unwrap_or(rest.len());
        let (name, rest) = rest.split_at(length);
        // An attribute may begin a line.
        let tag = rest[..end(rest)].replace('\n', " ");
        let is_component = name.starts_with(|sign: char| sign.is_ascii_uppercase());
        (is_component && SPREADS.iter().any(|spread| tag.contains(spread))).then_some((at, name))
    })
}

/// Where a tag ends: at the first bracket that is no arrow.
fn end(rest: &str) -> usize {
    let mut brackets = rest.match_indices('>').map(|(at, _)| at);
    brackets
        .find(|at| !rest[..*at].ends_with(['=', '-']))
        .unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUTTON: &str = "#[component(transparent)]\npub fn Press(text: String) -> impl IntoView {}\n";

    fn lines(source: &str) -> Vec<String> {
        check(&[
            ("app/src/ui/press.rs".to_owned(), BUTTON.to_owned()),
            ("app/src/page.rs".to_owned(), source.to_owned()),
        ])
    }

    #[test]
    fn handlers_and_attributes_on_erased_components_are_named() {
        for bad in [
            "view! { <Field label=\"Name\" on:input=move |_| go() /> }",
            "view! { <Field\n    label=\"Name\"\n    attr:id=\"name\"\n/> }",
            "view! { <Notice class:wide=true>\"Text\"</Notice> }",
            "view! { <Notice {..more}>\"Text\"</Notice> }",
            "view! { <Select choose=|word| match word { _ => 1 } prop:value=word /> }",
        ] {
            let found = lines(&format!("// one line before\n{bad}\n"));
            assert_eq!(found.len(), 1, "{bad}: {found:?}");
            assert!(found[0].starts_with("app/src/page.rs:2: <"), "{found:?}");
        }
    }

    #[test]
    fn elements_properties_types_and_transparent_components_pass() {
        for good in [
            "view! { <Press text=text on:click=go /> }",
            "view! { <button on:click=go class:wide=true>\"Go\"</button> }",
            "view! { <Field label=\"on: and off\" on_input=go /> <input on:input=go /> }",
            "fn show(list: Vec<Row>) -> Option<Row> { list.pop() } // on:click",
        ] {
            assert_eq!(lines(good), Vec::<String>::new(), "{good}");
        }
    }
}
