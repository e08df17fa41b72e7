//! The form of every text in the OpenAPI document: one table from a field's name to its pattern.
//!
//! A field means the same wherever it stands, so its form stands once, here, and not at each struct that has it. A test
//! fails for a field of text that has neither a form nor a place in [`FREE`].

use serde_json::{Map, Value, json};

/// 20 bytes with the checksum of EIP-55 or without any. Rule: docs/protocol.md#A1
const ADDRESS: &str = "^0x[0-9a-fA-F]{40}$";
/// A block id as shown. Rule: docs/protocol.md#H2
const BLOCK_ID: &str = "^[0-9a-f]{64}$";
/// A transaction id, a hash or a key of 32 bytes. Rule: docs/protocol.md#T4
const HASH: &str = "^0x[0-9a-f]{64}$";
/// Any bytes.
const BYTES: &str = "^0x([0-9a-f]{2})*$";
/// Base units or hashes, a 256-bit number. Rule: docs/protocol.md#E3
const NUMBER: &str = "^(0|[1-9][0-9]{0,77})$";
const HEADER: &str = "^0x[0-9a-f]{160}$";
const COMPACT: &str = "^0x[0-9a-f]{8}$";
/// The longer ones are those of an account's history.
const CURSOR: &str = "^([A-Za-z0-9_-]{18}|[0-9a-f]{146})$";
/// The public name of a token.
const TOKEN_ID: &str = "^[0-9a-f]{12}$";
const SCOPE: &str = "^[a-z]{1,16}$";
const PEER_ID: &str = "^[1-9A-HJ-NP-Za-km-z]{46,60}$";

/// An address of IPv4 or IPv6, alone or as a range.
const RANGE: &str = "^[0-9a-fA-F:.]{2,45}(/[0-9]{1,3})?$";

/// Fields by name, or by `Schema.name` where the name alone means two things. The longer form wins.
const FORMS: &[(&str, &[&str])] = &[
    (ADDRESS, &["address", "producer", "sender", "to", "contract"]),
    (
        BLOCK_ID,
        &[
            "BlockSummary.id",
            "TipBody.id",
            "TransactionBlock.id",
            "MinedBody.id",
            "RewardBody.block",
            "parent",
            "tip",
            "genesis_id",
            "target",
        ],
    ),
    (
        HASH,
        &[
            "id",
            "hash",
            "previous",
            "key",
            "value_hash",
            "code_hash",
            "spec_hash",
            "manifest_root",
            "state_root",
            "transactions_root",
            "receipts_root",
            "history_root",
            "topics",
            "path",
            "siblings",
            "BlockBody.transactions",
        ],
    ),
    (
        BYTES,
        &[
            "data",
            "raw",
            "manifest_hex",
            "tip_manifest_hex",
            "extra",
            "seal",
            "public_key",
            "StateProofBody.value",
        ],
    ),
    (HEADER, &["header_hex", "tip_header_hex"]),
    (COMPACT, &["bits"]),
    ("^0x[0-9a-f]{2}$", &["TransactionBody.type"]),
    ("^0x[0-9a-fA-F]{16}$", &["extra_nonce"]),
    (
        NUMBER,
        &[
            "balance",
            "value",
            "fee",
            "fees",
            "burned",
            "reward",
            "subsidy",
            "supply",
            "weight",
            "total_weight",
            "pending_cost",
            "gas_price",
            "base_fee",
            "max_fee",
            "max_priority_fee",
            "min_base_fee",
            "next_base_fee",
            "from",
        ],
    ),
    (CURSOR, &["next", "cursor"]),
    (RANGE, &["BanBody.address", "range"]),
    (
        PEER_ID,
        &[
            "PeerBody.id",
            "BanBody.id",
            "PeersBody.id",
            "HeavierForkBody.peer",
            "source",
        ],
    ),
    (TOKEN_ID, &["TokenBody.id"]),
    ("^[A-Za-z0-9_-]{43}$", &["code"]),
    (SCOPE, &["scopes"]),
    ("^tally_[0-9a-f]{12}_[A-Za-z0-9_-]{43}$", &["secret"]),
    ("^(operator(-[0-9]{1,5})?|node|[0-9a-f]{12})$", &["LogActorBody.id"]),
    (
        "^[0-9a-fA-F:.]{2,45}$",
        &["LastUseBody.address", "LogEntryBody.address"],
    ),
    ("^[a-z]+\\.[a-z-]+$", &["action"]),
    ("^[a-z0-9-]+$", &["outcome"]),
    ("^[0-9]{8}\\.ndjson$", &["file"]),
    ("^/problems/[a-z0-9-]+$", &["ProblemBody.type"]),
    ("^[0-9]{1,20}-[0-9]{1,20}$", &["last_event_id", "Last-Event-ID"]),
];

/// Texts without a form: names, sentences and addresses of the network.
const FREE: &[&str] = &[
    "title",
    "detail",
    "request_id",
    "reason",
    "paused",
    "not_ready",
    "WorkerBody.name",
    "TokenBody.name",
    "CreateTokenBody.name",
    "LogActorBody.name",
    "agent",
    "label",
    "memo",
    "version",
    "chain",
    "symbol",
    "scheme",
    "kind",
    "PeerBody.address",
    "PeersBody.addresses",
    "CallBody.address",
];

/// Parameters of paths: by path and name.
fn parameter_form(path: &str, name: &str) -> Option<&'static str> {
    match (path, name) {
        (_, "address") => Some(ADDRESS),
        ("/api/v1/transactions/{id}" | "/api/v1/transactions/{id}/receipt", "id") => Some(HASH),
        (path, "id") if path.starts_with("/api/v1/peers/") => Some(PEER_ID),
        (path, "id") if path.starts_with("/api/v1/tokens/") => Some(TOKEN_ID),
        (_, "key") => Some("^([0-9]{1,18}|[0-9a-f]{64})$"),
        _ => form("", name),
    }
}

/// The pattern of a field, if it has one.
fn form(schema: &str, field: &str) -> Option<&'static str> {
    let find = |name: &str| FORMS.iter().find(|(_, names)| names.contains(&name));
    if is_free(schema, field) {
        return None;
    }
    find(&format!("{schema}.{field}"))
        .or_else(|| find(field))
        .map(|(pattern, _)| *pattern)
}

fn is_free(schema: &str, field: &str) -> bool {
    FREE.contains(&format!("{schema}.{field}").as_str()) || FREE.contains(&field)
}

/// Gives every text of the document its pattern.
pub fn complete(document: &mut Value) {
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        for (name, schema) in schemas {
            properties(name, schema, &mut |schema, field, text| {
                if let Some(pattern) = form(schema, field) {
                    text.insert("pattern".to_owned(), json!(pattern));
                }
            });
        }
    }
    let Some(paths) = document["paths"].as_object_mut() else {
        return;
    };
    for (path, operations) in paths {
        let mut operations: Vec<&mut Value> = operations
            .as_object_mut()
            .into_iter()
            .flat_map(|map| map.values_mut())
            .collect();
        operations.iter_mut().for_each(|operation| bodies(operation));
        let parameters = operations
            .into_iter()
            .filter_map(|operation| operation.get_mut("parameters")?.as_array_mut());
        for parameter in parameters.flatten() {
            let name = parameter["name"].as_str().unwrap_or_default().to_owned();
            if let (Some(pattern), Some(schema)) = (parameter_form(path, &name), text_of(&mut parameter["schema"])) {
                schema.insert("pattern".to_owned(), json!(pattern));
            }
        }
    }
}

/// No operation that takes a body can do without it; plain bytes are no list of numbers.
fn bodies(operation: &mut Value) {
    let plain = |part: &mut Value| {
        if let Some(bytes) = part.pointer_mut("/content/application~1octet-stream") {
            bytes["schema"] = json!({ "type": "string", "format": "binary" });
        }
    };
    if let Some(body) = operation.get_mut("requestBody") {
        body["required"] = json!(true);
        plain(body);
    }
    let answers = operation.get_mut("responses").and_then(Value::as_object_mut);
    answers.into_iter().flat_map(|map| map.values_mut()).for_each(plain);
}

/// Visits every property of a schema that is a text or a list of texts.
fn properties(name: &str, schema: &mut Value, visit: &mut impl FnMut(&str, &str, &mut Map<String, Value>)) {
    for part in ["allOf", "oneOf"] {
        for part in schema.get_mut(part).and_then(Value::as_array_mut).into_iter().flatten() {
            properties(name, part, visit);
        }
    }
    let fields = schema.get_mut("properties").and_then(Value::as_object_mut);
    for (field, property) in fields.into_iter().flatten() {
        if let Some(text) = text_of(property) {
            visit(name, field, text);
        }
    }
}

/// The schema of a text, of a text or null, or of the entries of a list of texts; one with fixed values is none.
fn text_of(schema: &mut Value) -> Option<&mut Map<String, Value>> {
    let is = |schema: &Value, kind: &str| match &schema["type"] {
        Value::String(found) => found == kind,
        Value::Array(kinds) => kinds.iter().any(|found| found == kind),
        _ => false,
    };
    if is(schema, "array") {
        return text_of(schema.get_mut("items")?);
    }
    (is(schema, "string") && schema.get("enum").is_none()).then(|| schema.as_object_mut())?
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn document() -> Value {
        crate::api::openapi::document()
    }

    #[test]
    fn every_text_has_a_form_or_is_free() {
        let mut document = document();
        let mut open = Vec::new();
        for (name, schema) in document["components"]["schemas"].as_object_mut().expect("schemas") {
            properties(name, schema, &mut |schema, field, text| {
                if !text.contains_key("pattern") && !is_free(schema, field) {
                    open.push(format!("{schema}.{field}"));
                }
            });
        }
        assert_eq!(open, Vec::<String>::new());
    }

    #[test]
    fn operation_ids_stand_once_and_every_answer_is_described() {
        let document = document();
        let mut ids = BTreeSet::new();
        for (path, operations) in document["paths"].as_object().expect("paths") {
            for (method, operation) in operations.as_object().expect("operations") {
                let id = operation["operationId"].as_str().expect("an id");
                assert!(ids.insert(id.to_owned()), "{id} stands twice");
                for (status, answer) in operation["responses"].as_object().expect("answers") {
                    let description = answer["description"].as_str().unwrap_or_default();
                    assert!(!description.is_empty(), "{method} {path}: {status} is not described");
                }
                for parameter in operation["parameters"].as_array().into_iter().flatten() {
                    let schema = &parameter["schema"];
                    let bounded = ["pattern", "enum", "maximum"]
                        .iter()
                        .any(|key| schema.get(*key).is_some());
                    assert!(
                        bounded || schema["type"] == "boolean",
                        "{method} {path}: {} has no form",
                        parameter["name"]
                    );
                }
            }
        }
    }

    #[test]
    fn examples_have_the_form_that_is_required_of_them() {
        let mut document = document();
        let forms = |pattern: &str| regex::Regex::new(pattern).expect("a pattern");
        let mut checked = 0;
        for (name, schema) in document["components"]["schemas"].as_object_mut().expect("schemas") {
            properties(name, schema, &mut |schema, field, text| {
                let examples = text.get("example").into_iter();
                let examples = examples.chain(text.get("examples").and_then(Value::as_array).into_iter().flatten());
                for example in examples.filter_map(Value::as_str) {
                    let Some(pattern) = text.get("pattern").and_then(Value::as_str) else {
                        continue;
                    };
                    checked += 1;
                    assert!(
                        forms(pattern).is_match(example),
                        "{schema}.{field}: {example} is not {pattern}"
                    );
                }
            });
        }
        assert!(checked > 20, "only {checked} examples");
    }
}
