//! Who may use whom. The table is the house of the design: nothing points up or sideways.

use std::collections::BTreeSet;

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
        name: "tally-frontend",
        uses: &["tally-api", "tally-app", "tally-chain", "tally-wallet"],
        only_under: &[("tally-app", "page")],
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

/// The browser's side. Its modules are built one by one, each by its feature; lints look at all of them, by default.
const BROWSER: &str = "tally-frontend";

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
    }
    errors.extend(default_members(metadata));
    errors.extend(web_sys_twice(metadata));
    errors
}

/// The server renders and the browser hydrates: one build never has both features of the app.
fn wrong_side(name: &str, used: &str, dependency: &Value) -> Option<String> {
    let forbidden = match (name, used) {
        ("tally" | "tally-pages", "tally-app") => "hydrate",
        ("tally-frontend", "tally-app") => "ssr",
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
        if name == BROWSER && key == "default" {
            continue;
        }
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

/// Cargo unites features within one build, so the browser's side must not be part of a plain `cargo build`.
fn default_members(metadata: &Value) -> Option<String> {
    let frontend = list(&metadata["packages"])
        .iter()
        .find(|package| package["name"] == "tally-frontend")
        .map(|it| &it["id"])?;
    list(&metadata["workspace_default_members"])
        .contains(frontend)
        .then(|| "tally-frontend may not be a default member of the workspace".to_owned())
}

/// The page brings features of `web-sys` in, and the workers have no page: with fewer of them, their module would compile `web-sys`
/// and all that uses it a second time.
fn web_sys_twice(metadata: &Value) -> Option<String> {
    let packages = list(&metadata["packages"]);
    let features = |name: &str| {
        let package = packages.iter().find(|package| package["name"] == name)?;
        let mut dependencies = list(&package["dependencies"]).iter();
        let web_sys = dependencies.find(|dependency| dependency["name"] == "web-sys")?;
        Some(list(&web_sys["features"]).iter().map(text).collect::<BTreeSet<_>>())
    };
    let (of_page, of_both) = (features("tally-app")?, features(BROWSER).unwrap_or_default());
    let lacking: Vec<&str> = of_page.difference(&of_both).copied().collect();
    (!lacking.is_empty()).then(|| {
        format!(
            "{BROWSER}: web-sys lacks features that tally-app has, and would be compiled twice: {}",
            lacking.join(", ")
        )
    })
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
        let frontend = |optional: bool, features: Value| {
            let edge = json!({"name": "tally-app", "kind": null, "optional": optional, "features": ["hydrate"]});
            let frontend =
                json!({"name": "tally-frontend", "id": "tally-frontend", "dependencies": [edge], "features": features});
            metadata(&[frontend, package("tally-app", &[])])
        };
        let designed = json!({"default": ["page", "workers"], "page": ["dep:tally-app"], "workers": []});
        assert_eq!(check(&frontend(true, designed.clone())), Vec::<String>::new());
        assert_eq!(
            check(&frontend(false, designed)),
            ["tally-frontend may use tally-app only under feature page: make it optional"]
        );
        for workers in ["dep:tally-app", "page"] {
            let features = json!({"page": ["dep:tally-app"], "workers": [workers]});
            assert_eq!(
                check(&frontend(true, features)),
                ["tally-frontend: feature workers brings in tally-app, which belongs to feature page"]
            );
        }
    }

    #[test]
    fn both_modules_of_the_browser_share_one_web_sys() {
        let web_sys =
            |features: &[&str]| json!({"name": "web-sys", "kind": null, "optional": false, "features": features});
        let house = |of_both: &[&str]| {
            metadata(&[
                package("tally-app", &[web_sys(&["Blob", "Url", "Window"])]),
                package("tally-frontend", &[web_sys(of_both)]),
            ])
        };
        assert_eq!(
            check(&house(&["Blob", "Performance", "Url", "Window"])),
            Vec::<String>::new()
        );
        assert_eq!(
            check(&house(&["Performance", "Url"])),
            ["tally-frontend: web-sys lacks features that tally-app has, and would be compiled twice: Blob, Window"]
        );
    }

    #[test]
    fn the_browser_side_may_not_be_a_default_member() {
        let mut house = metadata(&[package("tally-frontend", &[])]);
        house["workspace_default_members"] = json!(["tally-frontend"]);
        assert_eq!(
            check(&house),
            ["tally-frontend may not be a default member of the workspace"]
        );
    }
}
