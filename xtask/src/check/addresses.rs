//! Addresses that the interface hands to a browser have the base path before them: `--base-path` moves all of them.

/// What an address begins with that a browser takes as it stands.
const MARK: &str = "at_base(";

/// Elements with an address: the attribute, and how the element ends.
static ELEMENTS: [(&str, &str, &str); 3] = [
    ("<a", " href=", "</a>"),
    ("<form", " action=", "</form>"),
    ("<link", " href=", "/>"),
];

/// Calls whose first argument is an address.
static CALLS: [&str; 6] = [
    "Request::get(",
    "Request::post(",
    "Request::put(",
    "Request::delete(",
    "EventSource::new(",
    "leptos_axum::redirect(",
];

/// Names the lines of the interface whose address is written without [`MARK`].
pub fn check(files: &[(String, String)]) -> Vec<String> {
    let sources = files
        .iter()
        .filter(|(path, _)| path.starts_with("app/src/") && path.ends_with(".rs"));
    sources
        .flat_map(|(path, source)| {
            let found = elements(source).chain(calls(source));
            found.map(move |at| {
                let line = source[..at].lines().count();
                format!("{path}:{line}: an address without at_base(…): it would leave the node's base path")
            })
        })
        .collect()
}

/// Where the addresses of elements stand that are neither marked nor of this very page (`#main`) nor the server's own
/// (`assets.…` and `asset_url`, which it makes with the base path).
fn elements(source: &str) -> impl Iterator<Item = usize> {
    ELEMENTS.iter().flat_map(move |(tag, attribute, end)| {
        source.match_indices(tag).filter_map(move |(at, _)| {
            let rest = &source[at..];
            let whole = rest[tag.len()..].starts_with([' ', '\n']);
            let element = &rest[..rest.find(end)?];
            // An attribute may begin a line.
            let flat = element.replace('\n', " ");
            let value = flat.find(attribute)? + attribute.len();
            let fine = [MARK, "\"#", "assets.", "asset_url"]
                .iter()
                .any(|begin| element[value..].starts_with(begin));
            (whole && !fine).then_some(at + value)
        })
    })
}

/// Where calls have another first argument; by reference or not.
fn calls(source: &str) -> impl Iterator<Item = usize> {
    CALLS.iter().flat_map(move |call| {
        source.match_indices(*call).filter_map(move |(at, _)| {
            let argument = source[at + call.len()..].trim_start();
            let marked = argument.strip_prefix('&').unwrap_or(argument).starts_with(MARK);
            (!marked).then_some(at)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(source: &str) -> Vec<String> {
        check(&[("app/src/page.rs".to_owned(), source.to_owned())])
    }

    #[test]
    fn addresses_without_the_base_path_are_named() {
        for bad in [
            "view! { <a href=\"/blocks\">\"Blocks\"</a> }",
            "view! { <a class=\"x\"\n    href=format!(\"/tx/{id}\")>{id}</a> }",
            "view! { <form method=\"get\" action=\"/search\"></form> }",
            "view! { <link rel=\"icon\" href=\"/favicon.ico\" /> }",
            "let answer = Request::get(path).send();",
            "let source = EventSource::new(PATH);",
            "leptos_axum::redirect(&path);",
        ] {
            let found = lines(&format!("// one line before\n{bad}\n"));
            assert_eq!(found.len(), 1, "{bad}: {found:?}");
            assert!(found[0].starts_with("app/src/page.rs:"), "{found:?}");
        }
    }

    #[test]
    fn marked_addresses_and_those_of_the_page_itself_pass() {
        for good in [
            "view! { <a href=at_base(\"/blocks\")>\"Blocks\"</a> }",
            "view! { <a class=\"skip\" href=\"#main\">\"Skip\"</a> <address href=\"/x\"></address> }",
            "view! { <form on:submit=send></form> }",
            "view! { <link rel=\"stylesheet\" href=assets.css /> }",
            "let answer = Request::post(&at_base(path)).json(body);",
            "let answer = Request::get(at_base(path)).send();",
        ] {
            assert_eq!(lines(good), Vec::<String>::new(), "{good}");
        }
        let elsewhere = ("src/page.rs".to_owned(), "view! { <a href=\"/\">x</a> }".to_owned());
        assert_eq!(check(&[elsewhere]), Vec::<String>::new());
    }
}
