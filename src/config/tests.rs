use std::path::PathBuf;

use super::*;
use crate::web::ProxyHeader;

fn options(toml: &str) -> NodeOptions {
    toml::from_str(toml).expect("a valid file")
}

#[test]
fn a_flag_outweighs_the_file() {
    let file = options("chain = 'test'\nmine-threads = 3\nlisten = '127.0.0.1:1234'\nmine = true");
    let flags = NodeOptions {
        mine_threads: Some(2),
        no_mine: true,
        ..NodeOptions::default()
    };
    let config = flags.over(file).check().expect("valid settings");
    assert_eq!(config.node.spec.name, "test");
    assert_eq!(config.node.mining.threads, 2);
    assert!(!config.node.mining.on);
    assert_eq!(config.web.listen, "127.0.0.1:1234".parse().expect("an address"));
}

#[test]
fn a_chain_on_the_command_line_replaces_a_spec_in_the_file() {
    let flags = NodeOptions {
        chain: Some("test".to_owned()),
        ..NodeOptions::default()
    };
    let config = flags
        .over(options("spec = 'nowhere.toml'"))
        .check()
        .expect("the file's spec is not read");
    assert_eq!(config.node.spec.name, "test");
}

#[test]
fn unknown_keys_and_wrong_values_are_named() {
    let error = toml::from_str::<NodeOptions>("mine-thread = 2").expect_err("a misspelt key");
    assert!(error.message().starts_with("unknown field `mine-thread`"), "{error}");
    for (text, expected) in [
        (
            "mine-to = '0x12'",
            "mine-to: address has 2 characters after 0x, expected 40",
        ),
        ("mine-threads = 0", "mine-threads is 0, expected 1 or more"),
        (
            "tls-cert = 'a.pem'",
            "tls-cert and tls-key belong together; only tls-cert is given",
        ),
        (
            "cors-origin = ['*']",
            "cors-origin \"*\" is not an origin such as https://example.org",
        ),
        (
            "peer = ['192.0.2.7:9333']",
            "peer \"192.0.2.7:9333\" is not an address such as /ip4/192.0.2.7/tcp/9333: invalid multiaddr",
        ),
        (
            "peer = ['/ip4/192.0.2.7/udp/9333']",
            "peer \"/ip4/192.0.2.7/udp/9333\" is not an address such as /ip4/192.0.2.7/tcp/9333: it names neither tcp nor \
             quic-v1",
        ),
        (
            "allow-host = ['https://ledger.example.org']",
            "allow-host \"https://ledger.example.org\" is not a name such as ledger.example.org, 192.0.2.7 or [2001:db8::7]: it \
             is a URL; only the name in it belongs here",
        ),
        (
            "allow-host = ['']",
            "allow-host \"\" is not a name such as ledger.example.org, 192.0.2.7 or [2001:db8::7]: it is empty",
        ),
        (
            "trusted-proxy = ['proxy.example']",
            "trusted-proxy \"proxy.example\" is not an address or a network such as 127.0.0.1 or 10.0.0.0/8",
        ),
        (
            "base-path = '/ledger/'",
            "base-path \"/ledger/\" is not a path such as /ledger: it ends with /",
        ),
        (
            "base-path = 'ledger'",
            "base-path \"ledger\" is not a path such as /ledger: it does not begin with /",
        ),
        (
            "base-path = '/a/../b'",
            "base-path \"/a/../b\" is not a path such as /ledger: its part \"..\" would be resolved by browsers and proxies",
        ),
        (
            "operator-token = 'short'",
            "operator-token has 5 characters, at least 16 are needed",
        ),
    ] {
        assert_eq!(options(text).check().expect_err(text).to_string(), expected);
    }
}

#[test]
fn only_the_playground_mines_by_itself() {
    let on = |chain: &str| {
        options(&format!("chain = '{chain}'"))
            .check()
            .expect("valid")
            .node
            .mining
            .on
    };
    assert!(on("local"));
    assert!(!on("test"));
}

#[test]
fn where_to_listen_is_an_address_with_a_port() {
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        node: NodeOptions,
    }
    let example = "not an address with a port, such as 127.0.0.1:8080 or [::1]:8080";
    for bad in [
        "localhost:18281",
        ":18281",
        "18281",
        "0.0.0.0",
        "127.0.0.1:80000",
        "[::1]",
        "::1:18281",
        "",
    ] {
        for setting in ["listen", "p2p-listen", "stratum-listen"] {
            let flag = format!("--{setting}={bad}");
            let error = Cli::try_parse_from(["node", &flag]).expect_err(bad).to_string();
            assert!(error.contains(example), "{flag}: {error}");
            let error = toml::from_str::<NodeOptions>(&format!("{setting} = '{bad}'")).expect_err(bad);
            assert!(error.message().starts_with(&format!("{bad:?} is {example}")), "{error}");
        }
    }
    let listens = Cli::try_parse_from(["node", "--listen", "[::]:0"]).expect("an address");
    assert_eq!(listens.node.listen, Some("[::]:0".parse().expect("an address")));
}

#[test]
fn proxies_are_addresses_and_networks() {
    let config = options("trusted-proxy = ['127.0.0.1', '10.0.0.0/8', 'fd00::/8', '::1']").check();
    let proxies = config.expect("valid").web.trusted_proxies;
    let shown: Vec<_> = proxies.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["127.0.0.1/32", "10.0.0.0/8", "fd00::/8", "::1/128"]);
    let header = |text: &str| options(text).check().expect("valid").web.proxy_header;
    assert_eq!(header(""), ProxyHeader::XForwardedFor);
    assert_eq!(header("proxy-header = 'forwarded'"), ProxyHeader::Forwarded);
    let error = toml::from_str::<NodeOptions>("proxy-header = 'x-real-ip'").expect_err("none of the two");
    assert!(error.message().starts_with("unknown variant `x-real-ip`"), "{error}");
}

#[test]
fn a_trusted_block_is_an_id_and_implies_beginning_with_a_checkpoint() {
    let id = format!("{}cd", "ab".repeat(31));
    let config = options(&format!("chain = 'test'\ncheckpoint = '{id}'"))
        .check()
        .expect("valid");
    let checkpoints = config.node.checkpoints;
    assert!(checkpoints.begin);
    assert_eq!(checkpoints.trusted.map(|id| id.to_string()), Some(id.clone()));
    for bad in ["", "12", &id[1..], &format!("zz{}", &id[2..])] {
        let error = options(&format!("chain = 'test'\ncheckpoint = '{bad}'"))
            .check()
            .expect_err("no id");
        assert!(
            matches!(&error, ConfigError::Checkpoint { found } if found == bad),
            "{error}"
        );
    }
    let both = format!("chain = 'test'\ncheckpoint = '{id}'\nfrom-checkpoint = false");
    let error = options(&both).check().expect_err("both cannot be");
    assert!(matches!(error, ConfigError::CheckpointUnused), "{error}");
}

#[test]
fn the_base_path_is_the_root_unless_a_flag_or_the_file_has_another() {
    let base = |options: NodeOptions| options.check().expect("valid").web.base_path.as_str().to_owned();
    assert_eq!(base(options("")), "");
    assert_eq!(base(options("base-path = '/'")), "");
    assert_eq!(base(options("base-path = '/ledger'")), "/ledger");
    let flag = NodeOptions {
        base_path: Some("/books".to_owned()),
        ..NodeOptions::default()
    };
    assert_eq!(base(flag.over(options("base-path = '/ledger'"))), "/books");
    let web = options("base-path = '/ledger'\nlisten = '127.0.0.1:1234'")
        .check()
        .expect("valid")
        .web;
    assert_eq!(web.url(), "http://127.0.0.1:1234/ledger");
}

#[test]
fn settings_and_specs_are_read_from_regular_files_of_their_size() {
    let folder = tempfile::tempdir().expect("a folder");
    let pipe = crate::regular_file::testing::pipe(folder.path());
    let long = folder.path().join("long.toml");
    std::fs::write(&long, vec![b'#'; 2 << 20]).expect("written");
    let zero = PathBuf::from("/dev/zero");
    for (path, why) in [
        (pipe, "it is no regular file"),
        (zero, "it is no regular file"),
        (long, "it has more than 1048576 bytes"),
    ] {
        let options = NodeOptions {
            config: Some(path.clone()),
            ..NodeOptions::default()
        };
        let error = options.resolve().expect_err("no configuration").to_string();
        let shown = path.display();
        assert_eq!(error, format!("cannot read the configuration file {shown}: {why}"));
        let error = read_spec(&path).expect_err("no spec").to_string();
        // A spec may begin with a byte order mark, of three bytes.
        let why = why.replace("1048576", "1048579");
        assert_eq!(error, format!("cannot read the chain spec {shown}: {why}"));
    }
}
