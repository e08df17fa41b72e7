//! A line of a miner, and answers to it. The id goes back exactly as it came: some miners count beyond what a double holds.

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// A request, or what some miners answer without a request.
#[derive(Deserialize)]
pub struct Request<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(default)]
    pub method: Option<Value>,
    #[serde(default)]
    params: Value,
    /// Whether it is there, if only as null.
    #[serde(default, deserialize_with = "present")]
    result: bool,
    #[serde(default, deserialize_with = "present")]
    error: bool,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

impl<'a> Request<'a> {
    /// None where the line is no JSON object.
    pub fn parse(line: &'a str) -> Option<Self> {
        // A sequence would be read as the fields of a request, too.
        line.trim_start()
            .starts_with('{')
            .then(|| serde_json::from_str(line).ok())
            .flatten()
    }

    /// The id as JSON text.
    pub fn id(&self) -> &'a str {
        self.id.map_or("null", RawValue::get)
    }

    pub fn is_answer(&self) -> bool {
        self.result || self.error
    }

    pub fn params(&self) -> &[Value] {
        self.params.as_array().map_or(&[], Vec::as_slice)
    }
}

/// Why something is rejected, with the numbers that miners know.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal(pub u32, pub String);

impl Refusal {
    pub fn other(text: impl Into<String>) -> Self {
        Self(20, text.into())
    }

    pub fn unauthorized() -> Self {
        Self(24, "Unauthorized worker".to_owned())
    }

    pub fn no_job() -> Self {
        Self(21, "Job not found".to_owned())
    }
}

/// The line that answers the request with this id.
pub fn answer(id: &str, result: Result<Value, Refusal>) -> String {
    match result {
        Ok(result) => format!("{{\"id\":{id},\"result\":{result},\"error\":null}}"),
        Err(Refusal(code, text)) => {
            let error = Value::from(vec![Value::from(code), text.into(), Value::Null]);
            format!("{{\"id\":{id},\"result\":null,\"error\":{error}}}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_back_as_they_were() {
        for id in [
            "1",
            "\"text\"",
            "1.5",
            "1.50",
            "null",
            "-1",
            "1180591620717411303424",
            "[1, {}]",
            "1e400",
        ] {
            let line = format!("{{\"id\": {id}, \"method\": \"mining.ping\"}}");
            let request = Request::parse(&line).unwrap();
            let sent = answer(request.id(), Ok(true.into()));
            assert_eq!(sent, format!("{{\"id\":{id},\"result\":true,\"error\":null}}"));
        }
        assert_eq!(Request::parse("{\"method\":\"x\"}").unwrap().id(), "null");
        let sent = Request::parse("{\"id\":1,\"result\":null,\"error\":null}").unwrap();
        assert!(sent.is_answer() && sent.method.is_none());
        for none in ["", "[1]", "[]", "1", "GET / HTTP/1.1", "{\"id\":1"] {
            assert!(Request::parse(none).is_none(), "{none}");
        }
    }
}
