//! What `tally node` prints when it serves: where everything is.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use tally_app::format::iso;

use super::out::Printer;
use crate::config::PLAYGROUNDS;
use crate::operator::TokenSource;
use crate::server::Server;
use crate::web::certificate;

/// How the operator reaches the node as its operator.
pub struct Operator<'a> {
    pub source: &'a TokenSource,
    /// Of the operator link; made where a person sees it.
    pub code: Option<&'a str>,
}

impl Operator<'_> {
    /// The link where a person sees it; elsewhere (journals, containers, pipes) only where the token is: what services print is
    /// kept, and read by more people than the operator.
    fn lines(&self, url: &str) -> Vec<String> {
        if let Some(code) = self.code {
            return vec![
                format!("  operator    {url}/#sign-in={code}"),
                "              for you alone, and good once: the tab that opens it may change this node for 12 hours"
                    .to_owned(),
                "              another one: tally token link".to_owned(),
            ];
        }
        vec![match self.source {
            TokenSource::Inline(_) => {
                format!("  operator    {url}/#operator=TOKEN with the token that was given at the start")
            }
            TokenSource::File(path) | TokenSource::DataDir(path) => {
                format!(
                    "  operator    {url}/#operator=TOKEN with the token in {}",
                    path.display()
                )
            }
        }]
    }
}

/// Prints to standard output, not to the log. An output that is closed, full or not read is no reason to stop serving.
pub fn print(
    out: &mut Printer,
    server: &Server,
    address: SocketAddr,
    miners: Option<SocketAddr>,
    data_dir: &Path,
    operator: &Operator<'_>,
) {
    let url = url(server, address);
    let (spec, identity) = (server.node.spec(), server.node.identity());
    let mining = server.node.mining().status().config;
    let mining = match (mining.on, mining.threads) {
        (true, 1) => format!("on, 1 thread, pays {}", mining.producer),
        (true, threads) => format!("on, {threads} threads, pays {}", mining.producer),
        (false, _) => "off (switch it on with --mine, or with the operator link on the mining page)".to_owned(),
    };
    let mut lines = vec![
        format!("\nTally {}", env!("CARGO_PKG_VERSION")),
        format!("  interface   {url}/"),
        format!("  API         {url}/api/v1/status   docs: {url}/api/docs"),
        format!("  data        {}", data_dir.display()),
        format!("  chain       {} (chain id {})", spec.name, identity.chain_id),
        format!("  genesis     {}", identity.genesis),
        format!("  height      {}", server.node.tip().record.height()),
        format!("  mining      {mining}"),
    ];
    lines.extend(operator.lines(&url));
    if let Some(begins) = server.node.begins() {
        lines.push(format!("  begins at   {}; until then nothing is mined", iso(begins.0)));
    }
    if let Some(tls) = &server.web.tls {
        lines.push(match certificate::fingerprint(&tls.cert) {
            Ok(fingerprint) => format!("  certificate SHA-256 {fingerprint}"),
            Err(error) => format!("  certificate {error:#}"),
        });
        if tls.self_signed {
            lines.push(
                "              no authority signed it: compare this with what the browser shows before you continue"
                    .to_owned(),
            );
        }
    }
    if let Some(network) = server.network.get() {
        let called: Vec<_> = network.addresses().iter().map(ToString::to_string).collect();
        lines.push(match called.is_empty() {
            true => "  network     dials its peers; accepts no connections (see --p2p-listen)".to_owned(),
            false => format!("  network     {}", called.join("\n              ")),
        });
    }
    if let Some(address) = miners {
        lines.push(format!(
            "  stratum     stratum+tcp://{address}   the user is the address to be paid"
        ));
    }
    if PLAYGROUNDS.contains(&spec.name.as_str()) {
        lines.push("  accounts    those of the PUBLIC test phrase are funded: their keys are published, so the coins are worth nothing".to_owned());
    }
    out.line(lines.join("\n") + "\n");
}

/// The URL to open: an unspecified address is shown as loopback, where it can be reached for sure.
fn url(server: &Server, address: SocketAddr) -> String {
    let scheme = if server.web.tls.is_some() { "https" } else { "http" };
    let shown = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => SocketAddr::from((Ipv4Addr::LOCALHOST, address.port())),
        // `[::]` takes IPv4 too on most systems, but not on all.
        IpAddr::V6(ip) if ip.is_unspecified() => SocketAddr::from((Ipv6Addr::LOCALHOST, address.port())),
        _ => address,
    };
    format!("{scheme}://{shown}{}", server.web.base_path.as_str())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn the_link_is_printed_where_it_has_a_code_and_the_token_nowhere() {
        let kept = TokenSource::DataDir(PathBuf::from("data/operator-token"));
        let given = TokenSource::inline("0123456789abcdef".to_owned()).expect("long enough");
        for (source, shown) in [
            (
                &kept,
                "  operator    URL/#operator=TOKEN with the token in data/operator-token",
            ),
            (
                &given,
                "  operator    URL/#operator=TOKEN with the token that was given at the start",
            ),
        ] {
            let quiet = Operator { source, code: None };
            assert_eq!(quiet.lines("URL"), [shown]);
            let terminal = Operator {
                source,
                code: Some("CODE"),
            };
            assert_eq!(terminal.lines("URL")[0], "  operator    URL/#sign-in=CODE");
        }
    }
}
