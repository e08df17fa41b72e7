//! The parts that the code of the pages is cut into. The browser has the frame at once, and the part of a page before it shows it.
//!
//! `xtask/src/front/parts.rs` cuts the module where a function here is marked with `wasm_split`. On the server all of it is there.

mod loading;
mod views;

use leptos::prelude::*;
use leptos_router::ChooseView;

#[cfg(feature = "hydrate")]
pub(crate) use loading::load_for_this_page;
pub use loading::prefetch;
pub use views::{Details, Lab, Lists, Operations, Seldom, Wallet};

/// A part of the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The explorer's first page.
    Dashboard,
    /// Its lists: blocks, transactions, the pool, what a search finds.
    Lists,
    /// A block, a transaction, an account.
    Details,
    /// Running a node.
    Operations,
    /// Tokens for others, and the log of what was done with them: for operators alone.
    Tokens,
    /// The catalogue of the laboratory.
    Lab,
    /// Receipts that a reader brings.
    Receipt,
    /// The frame of the wallet's pages, and those that are used daily.
    Wallet,
    /// The wallet's history, which checks signatures.
    History,
    /// What a wallet is used for seldom: making, restoring and backing it up, keys from files, shared accounts, documents.
    Seldom,
}

impl Part {
    /// Its name in the files of the build.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dashboard => "dashboard",
            Self::Lists => "lists",
            Self::Details => "details",
            Self::Operations => "operations",
            Self::Tokens => "tokens",
            Self::Lab => "lab",
            Self::Receipt => "receipt",
            Self::Wallet => "wallet",
            Self::History => "history",
            Self::Seldom => "seldom",
        }
    }

    /// The parts that a path of this node needs, without the base path; none where the frame has the page.
    pub fn of(path: &str) -> &'static [Self] {
        let mut names = path.split('/').skip(1);
        let Some(first) = names.next() else { return &[] };
        match (first, names.next()) {
            ("", _) => &[Self::Dashboard],
            ("blocks" | "transactions" | "mempool" | "search", _) => &[Self::Lists],
            ("block" | "tx" | "account", _) => &[Self::Details],
            ("mining" | "network" | "performance" | "security" | "settings", _) => &[Self::Operations],
            ("tokens", _) => &[Self::Tokens],
            ("lab", _) => &[Self::Lab],
            ("receipt", _) => &[Self::Receipt],
            ("wallet", Some("history")) => &[Self::Wallet, Self::History],
            ("wallet", Some("create" | "restore" | "backup" | "keys" | "shared" | "documents")) => {
                &[Self::Wallet, Self::Seldom]
            }
            ("wallet", _) => &[Self::Wallet],
            _ => &[],
        }
    }
}

/// A page of a part, as the view of its route. The page before it stays until the part is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    Dashboard,
    Lists(Lists),
    Details(Details),
    Operations(Operations),
    Tokens,
    Lab(Lab),
    Receipt,
    Wallet(Wallet),
    History,
    Seldom(Seldom),
}

impl Page {
    fn part(self) -> Part {
        match self {
            Self::Dashboard => Part::Dashboard,
            Self::Lists(_) => Part::Lists,
            Self::Details(_) => Part::Details,
            Self::Operations(_) => Part::Operations,
            Self::Tokens => Part::Tokens,
            Self::Lab(_) => Part::Lab,
            Self::Receipt => Part::Receipt,
            Self::Wallet(_) => Part::Wallet,
            Self::History => Part::History,
            Self::Seldom(_) => Part::Seldom,
        }
    }
}

impl ChooseView for Page {
    async fn preload(&self) {
        loading::wait_for(self.part()).await;
    }

    async fn choose(self) -> AnyView {
        match views::of(self).await {
            Ok(view) => view,
            // It was loaded before: `preload` ends with nothing else.
            Err(_) => ().into_any(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_needs_the_parts_of_its_page() {
        for (path, parts) in [
            ("/", &[Part::Dashboard][..]),
            ("/blocks", &[Part::Lists]),
            ("/block/7", &[Part::Details]),
            ("/tx/0x00", &[Part::Details]),
            ("/mining", &[Part::Operations]),
            ("/tokens", &[Part::Tokens]),
            ("/lab/tx-replay", &[Part::Lab]),
            ("/receipt", &[Part::Receipt]),
            ("/wallet", &[Part::Wallet]),
            ("/wallet/send", &[Part::Wallet]),
            ("/wallet/history", &[Part::Wallet, Part::History]),
            ("/wallet/keys", &[Part::Wallet, Part::Seldom]),
            ("/no/such/page", &[]),
            ("/walletx", &[]),
            ("", &[]),
        ] {
            assert_eq!(Part::of(path), parts, "{path}");
        }
    }

    /// A route whose path has another part would load it, and then wait for its own with the page before still in view.
    #[test]
    fn each_route_has_the_part_of_its_page() {
        let (mut parent, mut routes) = ("", 0);
        for line in include_str!("app.rs").lines() {
            if line.contains("</ParentRoute>") {
                parent = "";
            }
            let Some((before, page)) = line.split_once(" view=Page::") else {
                continue;
            };
            let path = before.split('"').nth(1).expect("a path");
            let path = format!("{parent}/{}", path.trim_start_matches('/'));
            let page = page.split(|end: char| !end.is_alphanumeric()).next().expect("a part");
            let parts: Vec<_> = Part::of(&path).iter().map(|part| part.name()).collect();
            assert!(
                parts.contains(&page.to_lowercase().as_str()),
                "{path}: {page}, {parts:?}"
            );
            if line.contains("<ParentRoute") {
                parent = "/wallet";
                assert_eq!(path, parent);
            }
            routes += 1;
        }
        assert!(routes > 20, "{routes} routes were found");
    }
}
