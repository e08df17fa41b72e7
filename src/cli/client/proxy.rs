//! Proxies that the environment names. A node on this machine is always reached directly.

use std::net::IpAddr;

use anyhow::bail;
use ureq::Proxy;
use ureq::http::Uri;

/// The variables that name a proxy, for one scheme; the first that is set counts.
const HTTPS: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
const HTTP: [&str; 4] = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// How a node is reached: directly, or through a proxy.
pub struct ProxyRoute {
    pub proxy: Option<Proxy>,
    /// ` through the proxy HOST:PORT (VARIABLE)`, or nothing.
    pub note: String,
}

/// How the node at this URL is reached, by the environment that `variable` reads.
pub fn to(uri: &Uri, variable: impl Fn(&str) -> Option<String>) -> anyhow::Result<ProxyRoute> {
    let direct = ProxyRoute {
        proxy: None,
        note: String::new(),
    };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    if is_this_machine(host) {
        return Ok(direct);
    }
    let names = if uri.scheme_str() == Some("https") { HTTPS } else { HTTP };
    let set = names
        .iter()
        .find_map(|name| Some((*name, variable(name).filter(|value| !value.is_empty())?)));
    let Some((name, value)) = set else {
        return Ok(direct);
    };
    // The value may hold a password: it is not repeated.
    let Ok(proxy) = Proxy::new(&value) else {
        bail!("{name} does not name a proxy: a URL such as http://proxy.example:3128 does");
    };
    if !value.starts_with("http://") && value.contains("://") {
        bail!("{name} names a {} proxy; only http:// is supported", proxy_kind(&value));
    }
    let except = ["NO_PROXY", "no_proxy"]
        .iter()
        .find_map(|name| variable(name))
        .unwrap_or_default();
    if excepted(host, &except) {
        return Ok(direct);
    }
    let note = format!(" through the proxy {}:{} ({name})", proxy.host(), proxy.port());
    Ok(ProxyRoute {
        proxy: Some(proxy),
        note,
    })
}

fn proxy_kind(value: &str) -> &str {
    value.split("://").next().unwrap_or_default()
}

fn is_this_machine(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// Whether `NO_PROXY` names this host: itself, a domain above it, or `*`.
fn excepted(host: &str, list: &str) -> bool {
    let host = host.to_ascii_lowercase();
    list.split(',')
        .map(|entry| entry.trim().to_ascii_lowercase())
        .any(|entry| {
            let domain = entry.trim_start_matches("*.").trim_start_matches('.');
            entry == "*" || !domain.is_empty() && (host == domain || host.ends_with(&format!(".{domain}")))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(url: &str, variables: &[(&str, &str)]) -> Result<String, String> {
        let value = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let uri = url.parse().expect("a URL of the test");
        to(&uri, value)
            .map(|route| route.note)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn this_machine_is_reached_directly() {
        let proxies = [("ALL_PROXY", "http://127.0.0.1:1"), ("http_proxy", "nonsense")];
        for url in [
            "http://127.0.0.1:8080",
            "http://127.9.9.9:8080",
            "http://localhost:8080",
            "https://[::1]:8080",
            "http://[::ffff:127.0.0.1]:8080",
        ] {
            assert_eq!(note(url, &proxies), Ok(String::new()), "{url}");
        }
    }

    #[test]
    fn others_are_reached_through_the_proxy_which_is_named() {
        let far = "http://node.example.org";
        assert_eq!(note(far, &[]), Ok(String::new()));
        assert_eq!(note(far, &[("http_proxy", "")]), Ok(String::new()));
        // A password of the proxy is not shown.
        assert_eq!(
            note(far, &[("http_proxy", "http://ann:secret@proxy.example:3128")]),
            Ok(" through the proxy proxy.example:3128 (http_proxy)".to_owned())
        );
        assert_eq!(
            note(far, &[("http_proxy", "nonsense")]),
            Ok(" through the proxy nonsense:80 (http_proxy)".to_owned())
        );
        assert_eq!(
            note(far, &[("HTTP_PROXY", "http://a b")]),
            Err("HTTP_PROXY does not name a proxy: a URL such as http://proxy.example:3128 does".to_owned())
        );
        assert_eq!(
            note(far, &[("ALL_PROXY", "socks5://127.0.0.1:1080")]),
            Err("ALL_PROXY names a socks5 proxy; only http:// is supported".to_owned())
        );
        // Of the other scheme.
        assert_eq!(note(far, &[("HTTPS_PROXY", "http://proxy.example")]), Ok(String::new()));
        let proxy = ("https_proxy", "http://proxy.example:1");
        for (except, direct) in [
            ("example.org", true),
            (".example.org", true),
            ("*", true),
            ("ample.org", false),
        ] {
            let found = note("https://node.example.org", &[proxy, ("NO_PROXY", except)]);
            assert_eq!(found.map(|note| note.is_empty()), Ok(direct), "{except}");
        }
    }
}
