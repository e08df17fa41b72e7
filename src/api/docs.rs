//! The API's own documentation: the OpenAPI document, and pages made from it that need no script.

use std::fmt::Write as _;
use std::sync::LazyLock;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use serde_json::{Value, json};

use super::extract::Segment;
use super::problem::{Answer, Kind, Problem, kinds};
use crate::server::Shared;

static DOCUMENT: LazyLock<Value> = LazyLock::new(super::openapi::document);
static PAGE: LazyLock<String> = LazyLock::new(|| render(&DOCUMENT));

const STYLE: &str = include_str!("docs.css");

/// The OpenAPI 3.1 document; it names the base path where there is one.
pub async fn document(State(server): State<Shared>) -> Response {
    let base = server.web.base_path.as_str();
    if base.is_empty() {
        return Json(&*DOCUMENT).into_response();
    }
    let mut document = DOCUMENT.clone();
    document["servers"] = json!([{ "url": base }]);
    Json(document).into_response()
}

/// The documentation as a page.
pub async fn page() -> Html<&'static str> {
    Html(PAGE.as_str())
}

/// The style of these pages; the policy allows no inline style.
pub async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response()
}

/// Every type of problem.
pub async fn problems() -> Html<String> {
    let mut body = String::from(
        "<p>Errors are answered as <code>application/problem+json</code> (RFC 9457). The last part of a \
        problem's <code>type</code> is one of these names; a name never changes its meaning.</p><table><thead><tr><th>Type</th>\
        <th>Status</th><th>What it means</th></tr></thead><tbody>",
    );
    for kind in kinds::ALL {
        let _ = write!(
            body,
            "<tr><td><a href=\"problems/{0}\"><code>{0}</code></a></td><td>{1}</td><td>{2}</td></tr>",
            kind.name,
            kind.status,
            escape(kind.title)
        );
    }
    body.push_str("</tbody></table>");
    Html(document_of("Problems", &body, "./"))
}

/// One type of problem.
pub async fn problem(Segment(name): Segment) -> Answer<Html<String>> {
    let unknown = || {
        let shown: String = name.chars().take(64).collect();
        Problem::new(&kinds::UNKNOWN_PROBLEM, format!("there is no problem type {shown:?}")).with("found", shown)
    };
    let kind = Kind::named(&name).ok_or_else(unknown)?;
    let body = format!(
        "<p><code>{}</code>, status {}</p><h2>What to do</h2><p>{}</p><p><a href=\"../problems\">All problems</a></p>",
        kind.path(),
        kind.status,
        escape(kind.advice)
    );
    Ok(Html(document_of(kind.title, &body, "../")))
}

/// A page whose links lead to the node's root by `up`, so that they hold below any base path.
fn document_of(title: &str, body: &str, up: &str) -> String {
    let title = escape(title);
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, \
        initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\"><title>{title} · Tally API</title><link \
        rel=\"stylesheet\" href=\"{up}api/docs.css\"><link rel=\"icon\" href=\"{up}favicon.svg\" type=\"image/svg+xml\"></head><body>\
        <header><a href=\"{up}\">Tally</a> <nav aria-label=\"API\"><a href=\"{up}api/docs\">API</a> <a href=\"{up}problems\">Problems</a> \
        <a href=\"{up}api/openapi.json\">OpenAPI</a></nav></header><main><h1>{title}</h1>{body}</main></body></html>"
    )
}

fn render(document: &Value) -> String {
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let mut body = format!("<p>{}</p>", prose(&text(&document["info"], "description")));
    let operations: Vec<(&str, &str, &Value)> = object(&document["paths"])
        .flat_map(|(path, methods)| object(methods).map(move |(method, operation)| (path, method, operation)))
        .collect();
    for tag in document["tags"].as_array().into_iter().flatten() {
        let name = text(tag, "name");
        let _ = write!(body, "<section><h2>{}</h2>", escape(&text(tag, "description")));
        for (path, method, operation) in &operations {
            if operation["tags"][0] == name.as_str() {
                operation_of(&mut body, path, method, operation);
            }
        }
        body.push_str("</section>");
    }
    body.push_str("<section><h2>Schemas</h2>");
    for (name, schema) in object(&document["components"]["schemas"]) {
        let _ = write!(body, "<h3 id=\"{0}\"><code>{0}</code></h3>", escape(name));
        if let Some(description) = schema["description"].as_str() {
            let _ = write!(body, "<p>{}</p>", prose(description));
        }
        schema_of(&mut body, schema);
    }
    body.push_str("</section>");
    document_of("API", &body, "../")
}

fn object(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.as_str(), value))
}

fn operation_of(out: &mut String, path: &str, method: &str, operation: &Value) {
    let summary = operation["summary"].as_str().unwrap_or_default();
    let _ = write!(
        out,
        "<article><h3><span class=\"method\">{}</span> <code>{}</code></h3><p>{}</p>",
        escape(&method.to_uppercase()),
        escape(path),
        prose(summary)
    );
    if let Some(description) = operation["description"].as_str() {
        let _ = write!(out, "<p>{}</p>", prose(description));
    }
    if !operation["security"].is_null() {
        out.push_str("<p><strong>Needs the operator's token.</strong></p>");
    }
    let parameters = operation["parameters"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    if !parameters.is_empty() {
        out.push_str("<table><thead><tr><th>Parameter</th><th>In</th><th>Meaning</th></tr></thead><tbody>");
        for parameter in parameters {
            let _ = write!(
                out,
                "<tr><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
                escape(parameter["name"].as_str().unwrap_or_default()),
                escape(parameter["in"].as_str().unwrap_or_default()),
                prose(parameter["description"].as_str().unwrap_or_default())
            );
        }
        out.push_str("</tbody></table>");
    }
    contents(out, "Body", &operation["requestBody"]);
    for (status, response) in object(&operation["responses"]) {
        contents(out, &format!("Answer {status}"), response);
    }
    out.push_str("</article>");
}

fn contents(out: &mut String, what: &str, value: &Value) {
    for (media, content) in object(&value["content"]) {
        let _ = write!(
            out,
            "<p>{}: {} as <code>{}</code></p>",
            escape(what),
            type_of(&content["schema"]),
            escape(media)
        );
    }
}

fn schema_of(out: &mut String, schema: &Value) {
    if let Some(values) = schema["enum"].as_array() {
        let names: Vec<String> = values
            .iter()
            .map(|value| format!("<code>{}</code>", escape(&value.to_string())))
            .collect();
        let _ = write!(out, "<p>One of {}</p>", names.join(", "));
    }
    for part in ["allOf", "oneOf", "anyOf"] {
        for inner in schema[part].as_array().into_iter().flatten() {
            match inner["$ref"].as_str() {
                Some(_) => drop(write!(
                    out,
                    "<p>{} {}</p>",
                    if part == "allOf" { "All of" } else { "Or" },
                    type_of(inner)
                )),
                None => schema_of(out, inner),
            }
        }
    }
    let mut fields = object(&schema["properties"]).peekable();
    if fields.peek().is_none() {
        return;
    }
    out.push_str("<table><thead><tr><th>Field</th><th>Type</th><th>Meaning</th></tr></thead><tbody>");
    for (name, field) in fields {
        let meaning = field["description"].as_str().unwrap_or_default();
        let _ = write!(
            out,
            "<tr><td><code>{}</code></td><td>{}</td><td>{}",
            escape(name),
            type_of(field),
            prose(meaning)
        );
        let example = field["example"].as_str().map(str::to_owned).or_else(|| {
            let example = &field["example"];
            (!example.is_null()).then(|| example.to_string())
        });
        if let Some(example) = example {
            let _ = write!(out, " <span class=\"example\">{}</span>", escape(&example));
        }
        out.push_str("</td></tr>");
    }
    out.push_str("</tbody></table>");
}

fn type_of(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return format!("<a href=\"#{0}\"><code>{0}</code></a>", escape(name));
    }
    for part in ["oneOf", "anyOf", "allOf"] {
        if let Some(parts) = schema[part].as_array() {
            return parts.iter().map(type_of).collect::<Vec<_>>().join(" or ");
        }
    }
    match &schema["type"] {
        Value::String(name) if name == "array" => format!("list of {}", type_of(&schema["items"])),
        Value::String(name) => escape(name),
        Value::Array(names) => names
            .iter()
            .filter_map(Value::as_str)
            .map(escape)
            .collect::<Vec<_>>()
            .join(" or "),
        _ => "any".to_owned(),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// Escaped text in which `words between backticks` are code.
fn prose(text: &str) -> String {
    let parts = escape(text);
    let mut out = String::with_capacity(parts.len());
    for (at, part) in parts.split('`').enumerate() {
        match at % 2 {
            0 => out.push_str(part),
            _ => drop(write!(out, "<code>{part}</code>")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_and_schema_is_on_the_page() {
        assert_eq!(DOCUMENT["openapi"], "3.1.0");
        let mut operations = 0;
        for (path, methods) in object(&DOCUMENT["paths"]) {
            assert!(PAGE.contains(&format!("<code>{path}</code>")), "{path}");
            for (method, operation) in object(methods) {
                operations += 1;
                let summary = operation["summary"].as_str().unwrap_or_default();
                assert!(!summary.is_empty(), "{method} {path} has no summary");
                assert!(PAGE.contains(&prose(summary)), "{method} {path}");
            }
        }
        assert_eq!(operations, 34);
        assert!(
            !PAGE.contains("<script") && !PAGE.contains("style="),
            "the policy forbids both"
        );
    }

    #[test]
    fn text_is_escaped() {
        assert_eq!(prose("a `<b>` c"), "a <code>&lt;b&gt;</code> c");
        assert_eq!(escape("<a href=\"x\">&"), "&lt;a href=&quot;x&quot;&gt;&amp;");
    }
}
