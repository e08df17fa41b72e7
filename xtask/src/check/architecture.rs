//! Who may use whom. The table is the house of the design: nothing points up or sideways.

use serde_json::Value;

/// What a room may use, and which feature of it opens the door where it may not always be open.
struct Room {
    name: &'static str,
    uses: &'static [&'static str],
    /// (dependency, the only feature that may enable it)
    only_under: &'static [(&'static str, &'static str)],
}

const HOUSE: &[Room] = &[
    Room {
        name: "tally-chain",
        uses: &[],
        only_under: &[],
    },
    Room {
        name: "tally-ledger",
        uses: &["tally-chain"],
        only_under: &[],
    },
    Room {
        name: "tally-audit",
        uses: &["tally-chain", "tally-ledger"],
        only_under: &[],
    },
    Room {
        name: "tally-wallet",
        uses: &["tally-chain"],
        only_under: &[],
    },
    Room {
        name: "tally-node",
        uses: &["tally-audit", "tally-chain", "tally-ledger"],
        only_under: &[],
    },
    Room {
        name: "tally-network",
        uses: &["tally-chain", "tally-ledger", "tally-node"],
        only_under: &[],
    },
    Room {
        name: "tally-api",
        uses: &["tally-chain"],
        only_under: &[],
    },
    Room {
        name: "tally-lab",
        uses: &["tally-audit", "tally-chain", "tally-ledger", "tally-wallet"],
        only_under: &[],
    },
    Room {
        name: "tally-app",
        uses: &["tally-api", "tally-chain", "tally-wallet"],
        only_under: &[("tally-wallet", "hydrate")],
    },
    Room {
        name: "tally-pages",
        uses: &["tally-app", "tally-chain", "tally-lab", "tally-network", "tally-node"],
        only_under: &[],
    },
    Room {
        name: "tally-page",
        uses: &["tally-app"],
        only_under: &[],
    },
    Room {
        name: "tally-workers",
        uses: &["tally-api", "tally-chain", "tally-wallet"],
        only_under: &[],
    },
    Room {
        name: "tally-light",
        uses: &["tally-api", "tally-chain"],
        only_under: &[],
    },
    Room {
        name: "tally-verify",
        uses: &["tally-chain"],
        only_under: &[],
    },
    Room {
        name: "tally-auditor",
        uses: &["tally-api", "tally-audit", "tally-chain"],
        only_under: &[],
    },
    Room {
        name: "tally",
        uses: &[
            "tally-api",
            "tally-app",
            "tally-chain",
            "tally-lab",
            "tally-network",
            "tally-node",
            "tally-pages",
            "tally-wallet",
        ],
        only_under: &[],
    },
    Room {
        name: "tally-wasm-tests",
        uses: &["tally-audit", "tally-ledger"],
        only_under: &[],
    },
    Room {
        name: "tally-fuzz",
        uses: &[
            "tally",
            "tally-chain",
            "tally-ledger",
            "tally-network",
            "tally-node",
            "tally-wallet",
        ],
        only_under: &[],
    },
    Room {
        name: TEST_KIT,
        uses: &["tally-chain", "tally-ledger"],
        only_under: &[("tally-chain", "chain"), ("tally-ledger", "chain")],
    },
    Room {
        name: "xtask",
        uses: &[],
        only_under: &[],
    },
];

/// What tests share. Every room may use it in its tests, none elsewhere: nothing of it ships.
const TEST_KIT: &str = "tally-testkit";

/// What only browsers run. Cargo unites features within one build: what these depend on may count for browsers alone, or the
/// server would hydrate its pages.
const ONLY_BROWSERS: [&str; 2] = ["tally-page", "tally-workers"];
const BROWSER_TARGET: &str = "wasm32-unknown-unknown";

/// Crates that reach for a clock, the disk, the network or threads: not for the pure rooms.
const IMPURE: [&str; 9] = [
    "axum",
    "fjall",
    "hyper",
    "libp2p",
    "rayon",
    "reqwest",
    "tempfile",
    "tokio",
    "tracing-subscriber",
];
const PURE_ROOMS: [&str; 5] = ["tally-api", "tally-audit", "tally-chain", "tally-lab", "tally-ledger"];

/// Each use that the house does not allow, as one sentence.
pub fn check(metadata: &Value) -> Vec<String> {
    let mut errors = Vec::new();
    let packages = list(&metadata["packages"]);
    let workspace_names: Vec<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    for package in packages {
        let name = text(&package["name"]);
        let Some(room) = HOUSE.iter().find(|room| room.name == name) else {
            errors.push(format!(
                "package {name} is not in the table of rooms (xtask/src/check/architecture.rs)"
            ));
            continue;
        };
        for dependency in list(&package["dependencies"]) {
            let used = text(&dependency["name"]);
            let test_only = dependency["kind"] == "dev";
            if used == TEST_KIT {
                if !test_only {
                    errors.push(format!("{name} may use {used} only as a dev-dependency"));
                }
            } else if workspace_names.contains(&used) {
                if !room.uses.contains(&used) {
                    errors.push(format!("{name} may not use {used}"));
                }
                errors.extend(wrong_side(name, used, dependency));
            } else if PURE_ROOMS.contains(&name) && IMPURE.contains(&used) && !test_only {
                errors.push(format!("{name} is pure and may not use {used}"));
            }
            if used.starts_with("libp2p") && name != "tally-network" {
                errors.push(format!(
                    "{name} may not use {used}: sockets of peers are behind tally-network"
                ));
            }
            if used == "revm" && name != "tally-ledger" {
                errors.push(format!("{name} may not use revm: the EVM is behind tally-ledger"));
            }
        }
        for (used, feature) in room.only_under {
            errors.extend(open_door(package, name, used, feature));
        }
        errors.extend(everywhere(package, name));
    }
    errors
}

/// The server renders and the browser hydrates: one build never has both features of the app.
fn wrong_side(name: &str, used: &str, dependency: &Value) -> Option<String> {
    let forbidden = match (name, used) {
        ("tally" | "tally-pages", "tally-app") => "hydrate",
        ("tally-page", "tally-app") => "ssr",
        _ => return None,
    };
    list(&dependency["features"])
        .iter()
        .any(|feature| feature == forbidden)
        .then(|| format!("{name} may not use {used} with feature {forbidden}"))
}

/// `used` has to be optional in `package`, and no feature but `feature` may bring it in.
fn open_door(package: &Value, name: &str, used: &str, feature: &str) -> Vec<String> {
    let mut errors = Vec::new();
    for dependency in list(&package["dependencies"]) {
        if dependency["name"] == used && dependency["kind"].is_null() && dependency["optional"] != true {
            errors.push(format!(
                "{name} may use {used} only under feature {feature}: make it optional"
            ));
        }
    }
    for (key, parts) in package["features"].as_object().into_iter().flatten() {
        let enables = list(parts)
            .iter()
            .map(text)
            .any(|part| part == format!("dep:{used}") || part == used || part.starts_with(&format!("{used}/")));
        let through_other = key != feature && list(parts).iter().any(|part| part == feature);
        // Cargo names an optional dependency's own feature after it where no other feature has `dep:`.
        if (enables && key != feature && key != used) || through_other {
            errors.push(format!(
                "{name}: feature {key} brings in {used}, which belongs to feature {feature}"
            ));
        }
    }
    errors
}

/// What a package of the browser depends on everywhere.
fn everywhere(package: &Value, name: &str) -> Vec<String> {
    if !ONLY_BROWSERS.contains(&name) {
        return Vec::new();
    }
    let dependencies = list(&package["dependencies"]).iter();
    let everywhere = dependencies.filter(|dependency| dependency["target"] != BROWSER_TARGET);
    everywhere
        .map(|dependency| {
            let used = text(&dependency["name"]);
            format!("{name} may use {used} only for the target {BROWSER_TARGET}")
        })
        .collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn uses(name: &str) -> Value {
        json!({"name": name, "kind": null, "optional": false, "features": []})
    }

    fn package(name: &str, dependencies: &[Value]) -> Value {
        json!({"name": name, "id": name, "dependencies": dependencies, "features": {}})
    }

    fn metadata(packages: &[Value]) -> Value {
        json!({"packages": packages, "workspace_default_members": []})
    }

    fn app(optional: bool, features: Value) -> Value {
        let wallet = json!({"name": "tally-wallet", "kind": null, "optional": optional, "features": []});
        json!({"name": "tally-app", "id": "tally-app", "dependencies": [wallet], "features": features})
    }

    #[test]
    fn the_house_as_designed_passes() {
        let house = metadata(&[
            package("tally-chain", &[uses("sha2")]),
            package("tally-ledger", &[uses("tally-chain"), uses("revm")]),
            package(
                "tally-node",
                &[uses("tally-chain"), uses("tally-ledger"), uses("tokio")],
            ),
            package("tally-wallet", &[]),
            app(true, json!({"hydrate": ["leptos/hydrate", "dep:tally-wallet"]})),
        ]);
        assert_eq!(check(&house), Vec::<String>::new());
    }

    #[test]
    fn an_edge_upwards_is_caught() {
        let house = metadata(&[
            package("tally-chain", &[uses("tally-node")]),
            package("tally-node", &[]),
        ]);
        assert_eq!(check(&house), ["tally-chain may not use tally-node"]);
    }

    #[test]
    fn an_edge_sideways_is_caught_in_tests_too() {
        let mut edge = uses("tally-wallet");
        edge["kind"] = json!("dev");
        let house = metadata(&[package("tally-ledger", &[edge]), package("tally-wallet", &[])]);
        assert_eq!(check(&house), ["tally-ledger may not use tally-wallet"]);
    }

    #[test]
    fn the_test_kit_is_for_tests_of_every_room_and_for_nothing_else() {
        let edge = |kind: Value| json!({"name": TEST_KIT, "kind": kind, "optional": false, "features": []});
        let house = |kind: &Value| {
            metadata(&[
                package(TEST_KIT, &[]),
                package("tally-chain", &[edge(kind.clone())]),
                package("tally", &[edge(kind.clone())]),
            ])
        };
        assert_eq!(check(&house(&json!("dev"))), Vec::<String>::new());
        for kind in [Value::Null, json!("build")] {
            assert_eq!(
                check(&house(&kind)),
                [
                    "tally-chain may use tally-testkit only as a dev-dependency",
                    "tally may use tally-testkit only as a dev-dependency"
                ]
            );
        }
        let upwards = metadata(&[package(TEST_KIT, &[uses("tally-node")]), package("tally-node", &[])]);
        assert_eq!(check(&upwards), ["tally-testkit may not use tally-node"]);
    }

    #[test]
    fn an_unknown_package_is_caught() {
        assert_eq!(
            check(&metadata(&[package("tally-extra", &[])])),
            ["package tally-extra is not in the table of rooms (xtask/src/check/architecture.rs)"]
        );
    }

    #[test]
    fn io_in_a_pure_room_is_caught_outside_its_tests() {
        let mut in_tests = uses("tempfile");
        in_tests["kind"] = json!("dev");
        let house = metadata(&[package("tally-ledger", &[uses("tokio"), in_tests])]);
        assert_eq!(check(&house), ["tally-ledger is pure and may not use tokio"]);
    }

    #[test]
    fn revm_outside_the_ledger_is_caught() {
        let house = metadata(&[package("tally-node", &[uses("revm")])]);
        assert_eq!(
            check(&house),
            ["tally-node may not use revm: the EVM is behind tally-ledger"]
        );
    }

    #[test]
    fn libp2p_outside_the_network_is_caught() {
        let house = metadata(&[
            package("tally-network", &[uses("libp2p"), uses("tally-node")]),
            package("tally-node", &[uses("libp2p-stream")]),
        ]);
        assert_eq!(
            check(&house),
            ["tally-node may not use libp2p-stream: sockets of peers are behind tally-network"]
        );
    }

    #[test]
    fn the_app_opens_the_wallet_only_under_hydrate() {
        let wallet = package("tally-wallet", &[]);
        let always = metadata(&[app(false, json!({"hydrate": ["dep:tally-wallet"]})), wallet.clone()]);
        assert_eq!(
            check(&always),
            ["tally-app may use tally-wallet only under feature hydrate: make it optional"]
        );
        let wrong = metadata(&[app(true, json!({"ssr": ["dep:tally-wallet"]})), wallet.clone()]);
        assert_eq!(
            check(&wrong),
            ["tally-app: feature ssr brings in tally-wallet, which belongs to feature hydrate"]
        );
        let by_default = json!({"default": ["hydrate"], "hydrate": ["dep:tally-wallet"]});
        assert_eq!(
            check(&metadata(&[app(true, by_default), wallet])),
            ["tally-app: feature default brings in tally-wallet, which belongs to feature hydrate"]
        );
    }

    #[test]
    fn pages_know_no_node() {
        let house = metadata(&[package("tally-app", &[uses("tally-node")]), package("tally-node", &[])]);
        assert_eq!(check(&house), ["tally-app may not use tally-node"]);
    }

    #[test]
    fn the_server_may_not_hydrate() {
        let mut edge = uses("tally-app");
        edge["features"] = json!(["ssr", "hydrate"]);
        let house = metadata(&[package("tally", &[edge]), package("tally-app", &[])]);
        assert_eq!(check(&house), ["tally may not use tally-app with feature hydrate"]);
    }

    #[test]
    fn the_workers_do_without_the_pages() {
        let mut edge = uses("tally-app");
        edge["target"] = json!(BROWSER_TARGET);
        let house = metadata(&[package("tally-workers", &[edge]), package("tally-app", &[])]);
        assert_eq!(check(&house), ["tally-workers may not use tally-app"]);
    }

    #[test]
    fn what_only_browsers_run_depends_on_nothing_elsewhere() {
        let page = |target: Value| {
            let mut edge = uses("tally-app");
            edge["features"] = json!(["hydrate"]);
            edge["target"] = target;
            metadata(&[package("tally-page", &[edge]), package("tally-app", &[])])
        };
        assert_eq!(check(&page(json!(BROWSER_TARGET))), Vec::<String>::new());
        assert_eq!(
            check(&page(Value::Null)),
            ["tally-page may use tally-app only for the target wasm32-unknown-unknown"]
        );
    }
}
