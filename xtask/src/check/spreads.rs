//! Attributes and handlers that are put on components: only where the type of the component is that of its element.

use super::tags::{closing, component, put_on};

/// Before a component whose type is not erased.
const TRANSPARENT: &str = "#[component(transparent)]";

/// Before any other.
const ERASED: &str = "#[component]";

/// Names the lines of the interface where something is put on a component whose type is erased. When Leptos rebuilds such a view, it
/// keeps the handlers from before and drops the new ones: the button of the next step does what the one before it did. So do
/// components that are declared transparent, where their view is erased all the same.
pub fn check(files: &[(String, String)]) -> Vec<String> {
    let sources = || {
        files
            .iter()
            .filter(|(path, _)| path.starts_with("app/src/") && path.ends_with(".rs"))
    };
    let names = |mark: &'static str| -> Vec<&str> {
        sources()
            .flat_map(|(_, source)| functions(source, mark))
            .filter_map(|(_, function)| name(function))
            .collect()
    };
    let (transparent, erased) = (names(TRANSPARENT), names(ERASED));
    // A path before a name is not followed: of two components with one name, the erased one counts.
    let is_fine = |name: &str| transparent.contains(&name) && !erased.contains(&name);
    let mut found = Vec::new();
    for (path, source) in sources() {
        let line = |at: usize| source[..=at].lines().count();
        for (at, name) in spreads(source).filter(|(_, name)| !is_fine(name)) {
            found.push(format!(
                "{path}:{}: <{name}> takes attributes and handlers only as a component that is {TRANSPARENT}, and the only one of its name",
                line(at)
            ));
        }
        let broken = functions(source, TRANSPARENT).filter(|(_, function)| is_erased(function));
        for (at, function) in broken {
            found.push(format!(
                "{path}:{}: {} is {TRANSPARENT}, but its view is erased: by .into_any(), or since it begins with a component",
                line(at),
                name(function).unwrap_or_default()
            ));
        }
    }
    found
}

/// Where functions stand behind this mark, and their text from the name on.
fn functions<'a>(source: &'a str, mark: &'static str) -> impl Iterator<Item = (usize, &'a str)> {
    source
        .match_indices(mark)
        .filter_map(move |(at, _)| Some((at, source[at..].split_once("fn ")?.1)))
}

/// The name of the function whose text begins with it.
fn name(function: &str) -> Option<&str> {
    function.split(['(', '<']).next()
}

/// Whether the view of a component has lost its type, or is that of a component.
fn is_erased(function: &str) -> bool {
    let body = body(function).unwrap_or(function);
    let mut views = body.split("view! {").skip(1);
    let begins_with_component = |view: &str| {
        let tag = view.trim_start().strip_prefix('<');
        tag.is_some_and(|tag| component(tag).is_some())
    };
    body.contains(".into_any()") || views.any(begins_with_component)
}

/// What stands between the braces of a function.
fn body(function: &str) -> Option<&str> {
    let parameters = &function[function.find('(')?..];
    let rest = &parameters[closing(parameters)?..];
    let body = &rest[rest.find('{')?..];
    Some(&body[..closing(body)?])
}

/// Where something is put on a component, with its name.
fn spreads(source: &str) -> impl Iterator<Item = (usize, &str)> {
    source.match_indices('<').filter_map(|(at, _)| {
        let (name, rest) = component(&source[at + 1..])?;
        put_on(rest).then_some((at, name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUTTON: &str = "#[component(transparent)]\npub fn Press(text: String) -> impl IntoView { view! { <button>{text}</button> } }\n";

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
            // Signs that are no end of the tag.
            "view! { <Field error=Signal::derive(move || n.get() > 3) on:input=go /> }",
            "view! { <Field many=n > 3 on:input=go /> }",
            "view! { <Field many=n >= 3 on:input=go /> }",
            "view! { <Field many=all.collect::<Vec<_>>() on:input=go /> }",
            "view! { <Field label=\"a > b\" on:input=go /> }",
            "view! { <Field label=r#\"a \"/> b\"# on:input=go /> }",
            "view! { <Field sign='>' quote='\\'' on:input=go /> }",
            "view! { <Field label=text // a > b\n on:input=go /> }",
            // Paths, types and blocks.
            "view! { <ui::Field on:input=go /> }",
            "view! { <Loaded<T> on:input=go /> }",
            "view! { <Loaded<Vec<(A, fn() -> B)>> on:input=go /> }",
            "view! { <Field { ..more } /> }",
            "view! { <Field {attrs} /> }",
            "view! { <Field label=\"if\" {attrs} /> }",
            "view! { <Field many=if a { 1 } else { 2 } {attrs} /> }",
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
            "view! { <ui::Press text=text on:click=go /> }",
            "view! { <button on:click=go class:wide=true>\"Go\"</button> }",
            "view! { <Field label=\"on: and off\" on_input=go /> <input on:input=go /> }",
            "view! { <Field label={name} many=if a { 1 } else { 2 } act=move || { go() } /> {more} }",
            "view! { <Field edit=|name| Edit::Add { name } show=|row| view! { <b>{row}</b> } /> }",
            "view! { <Show when=move || a.get() > 3>\n<input on:input=go />\n</Show> }",
            "view! { <Show\n    when=done\n>\n    <input on:input=go />\n</Show> }",
            "fn show(list: Vec<Row>) -> Option<Row> { list.pop() } // on:click",
            "fn each(list: impl Iterator<Item = Row>) -> Row { class::of(list) }",
            "let first = <T as First>::first(list); view! { <input on:input=go /> }",
        ] {
            assert_eq!(lines(good), Vec::<String>::new(), "{good}");
        }
    }

    #[test]
    fn a_transparent_component_whose_view_is_erased_is_named() {
        for body in [
            "view! { <button>\"Go\"</button> }.into_any()",
            "view! { <Field label=\"Name\" /> }",
            "view! {\n    <ui::Field label=\"Name\" />\n}",
        ] {
            let found = lines(&format!(
                "#[component(transparent)]\nfn Go(#[prop(into)] a: String) -> impl IntoView {{\n{body}\n}}\n"
            ));
            assert_eq!(found.len(), 1, "{body}: {found:?}");
            assert!(found[0].starts_with("app/src/page.rs:1: Go is "), "{found:?}");
        }
    }

    #[test]
    fn of_two_components_with_one_name_the_erased_one_counts() {
        let found = lines("#[component]\nfn Press() -> impl IntoView {}\nview! { <Press on:click=go /> }\n");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("app/src/page.rs:3: <Press>"), "{found:?}");
    }
}
