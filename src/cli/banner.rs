//! What `tally node` prints when it serves: where everything is.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use tally_app::format::iso;

use crate::config::PLAYGROUNDS;
use crate::server::Server;
use crate::web::certificate;

/// Prints to standard output, not to the log: the operator's token must never be in a log.
pub fn print(server: &Server, address: SocketAddr, miners: Option<SocketAddr>, data_dir: &Path, token: &str) {
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
        format!("  operator    {url}/#operator={token}"),
        "              keep this link to yourself: it may switch mining; it is stored in the data directory".to_owned(),
    ];
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
                "              nobody vouches for it: compare this with what the browser shows before you go on"
                    .to_owned(),
            );
        }
    }
    if let Some(network) = server.node.network() {
        let called: Vec<_> = network.addresses().iter().map(ToString::to_string).collect();
        lines.push(match called.is_empty() {
            true => "  network     calls its peers; nobody can call it (see --p2p-listen)".to_owned(),
            false => format!("  network     {}", called.join("\n              ")),
        });
    }
    if let Some(address) = miners {
        lines.push(format!(
            "  stratum     stratum+tcp://{address}   the user is the address to be paid"
        ));
    }
    if PLAYGROUNDS.contains(&spec.name.as_str()) {
        lines.push("  accounts    those of the PUBLIC test phrase are funded: everybody knows their keys, use them for play only".to_owned());
    }
    let text = lines.join("\n") + "\n\n";
    // A closed standard output is no reason to stop serving.
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// The URL to open: an unspecified address is shown as loopback, where it can be reached for sure.
fn url(server: &Server, address: SocketAddr) -> String {
    let scheme = if server.web.tls.is_some() { "https" } else { "http" };
    let shown = match address.ip().is_unspecified() {
        true => SocketAddr::from(([127, 0, 0, 1], address.port())),
        false => address,
    };
    format!("{scheme}://{shown}")
}
