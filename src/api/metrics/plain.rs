//! The text format 0.0.4 of Prometheus, made from OpenMetrics: what scrapers get that do not accept OpenMetrics.
//!
//! They differ in what stands before the samples: counters and infos are described under the name that their samples have,
//! there are no units, and nothing marks the end.

use std::fmt::Write as _;

/// `text/plain; version=0.0.4` of an OpenMetrics text.
pub fn from_open_metrics(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut described = Described::default();
    for line in text.lines() {
        match line.strip_prefix("# ").and_then(|rest| rest.split_once(' ')) {
            Some(("HELP", rest)) => {
                described.help = rest
                    .split_once(' ')
                    .map(|(name, help)| (name.to_owned(), help.to_owned()))
            }
            Some(("TYPE", rest)) => described.write(rest, &mut plain),
            // Units and the end.
            _ if line.starts_with('#') => {}
            _ => {
                plain.push_str(line);
                plain.push('\n');
            }
        }
    }
    plain
}

/// A description whose name waits for its type.
#[derive(Default)]
struct Described {
    help: Option<(String, String)>,
}

impl Described {
    fn write(&mut self, name_and_kind: &str, plain: &mut String) {
        let (name, kind) = name_and_kind.split_once(' ').unwrap_or((name_and_kind, "untyped"));
        let (name, kind) = match kind {
            "counter" => (format!("{name}_total"), "counter"),
            "info" => (format!("{name}_info"), "gauge"),
            "gauge" | "histogram" | "summary" => (name.to_owned(), kind),
            _ => (name.to_owned(), "untyped"),
        };
        if let Some((_, help)) = self.help.take() {
            let _ = writeln!(plain, "# HELP {name} {help}");
        }
        let _ = writeln!(plain, "# TYPE {name} {kind}");
    }
}

/// Whether the header `Accept` names OpenMetrics: by name, and not with a quality of zero.
pub fn wants_open_metrics(accept: &str) -> bool {
    accept.split(',').any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let named = parts
            .next()
            .is_some_and(|kind| kind.eq_ignore_ascii_case("application/openmetrics-text"));
        let refused = parts.any(|part| {
            part.strip_prefix("q=")
                .is_some_and(|q| q.trim_matches(['0', '.']).is_empty())
        });
        named && !refused
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_counters_and_infos_are_those_of_their_samples() {
        let open = "# HELP tally_node This node.\n# TYPE tally_node info\ntally_node_info{version=\"1\"} 1\n# HELP tally_bytes \
            Sent.\n# TYPE tally_bytes counter\n# UNIT tally_bytes bytes\ntally_bytes_total 3\n# HELP tally_height \
            Tip.\n# TYPE tally_height gauge\ntally_height 7\n# EOF\n";
        let plain = "# HELP tally_node_info This node.\n# TYPE tally_node_info gauge\ntally_node_info{version=\"1\"} 1\n# HELP \
            tally_bytes_total Sent.\n# TYPE tally_bytes_total counter\ntally_bytes_total 3\n# HELP tally_height Tip.\n# TYPE \
            tally_height gauge\ntally_height 7\n";
        assert_eq!(from_open_metrics(open), plain);
    }

    #[test]
    fn open_metrics_is_for_those_who_name_it() {
        for (accept, wanted) in [
            ("", false),
            ("*/*", false),
            ("text/plain;version=0.0.4", false),
            (
                "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5",
                true,
            ),
            ("text/plain, application/openmetrics-text; q=0", false),
            ("text/plain, application/openmetrics-text; q=0.0", false),
            ("Application/OpenMetrics-Text;q=0.2", true),
        ] {
            assert_eq!(wants_open_metrics(accept), wanted, "{accept:?}");
        }
    }
}
