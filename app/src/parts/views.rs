//! Where the code is cut: one function for each part, and all pages of the part behind it.

use leptos::{
    prelude::*,
    wasm_split::{SplitLoaderError, wasm_split},
};

use super::{Page, Part};
use crate::{
    explorer, operations,
    ui::{Branch, branch},
    wallet,
};

/// The pages of [`Part::Lists`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lists {
    Blocks,
    Transactions,
    Mempool,
    Search,
}

/// The pages of [`Part::Details`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Details {
    Block,
    Transaction,
    Account,
}

/// The pages of [`Part::Operations`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operations {
    Mining,
    Network,
    Performance,
    Security,
    Settings,
}

/// The pages of [`Part::Lab`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lab {
    List,
    Scenario,
}

/// The pages of [`Part::Wallet`], and the frame around all of the wallet's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wallet {
    Frame,
    Home,
    Receive,
    Send,
    Contacts,
}

/// The pages of [`Part::Seldom`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seldom {
    Create,
    Restore,
    Backup,
    Keys,
    Shared,
    Documents,
}

/// The view of a page, once its part is there.
pub async fn of(page: Page) -> Result<AnyView, SplitLoaderError> {
    match page {
        Page::Dashboard => dashboard_page().await,
        Page::Lists(page) => lists_page(page).await,
        Page::Details(page) => details_page(page).await,
        Page::Operations(page) => operations_page(page).await,
        Page::Tokens => tokens_page().await,
        Page::Lab(page) => lab_page(page).await,
        Page::Receipt => receipt_page().await,
        Page::Wallet(page) => wallet_page(page).await,
        Page::History => history_page().await,
        Page::Seldom(page) => seldom_page(page).await,
    }
}

/// Loads a part where it is not there yet.
pub async fn load(part: Part) -> Result<(), SplitLoaderError> {
    match part {
        Part::Dashboard => load_dashboard().await,
        Part::Lists => load_lists().await,
        Part::Details => load_details().await,
        Part::Operations => load_operations().await,
        Part::Tokens => load_tokens().await,
        Part::Lab => load_lab().await,
        Part::Receipt => load_receipt().await,
        Part::Wallet => load_wallet().await,
        Part::History => load_history().await,
        Part::Seldom => load_seldom().await,
    }
}

#[wasm_split(dashboard, wasm_split_path = leptos::wasm_split, preload(load_dashboard), fallible)]
fn dashboard_page() -> Result<AnyView, SplitLoaderError> {
    Ok(shown(explorer::Dashboard))
}

#[wasm_split(lists, wasm_split_path = leptos::wasm_split, preload(load_lists), fallible)]
fn lists_page(page: Lists) -> Result<AnyView, SplitLoaderError> {
    Ok(match page {
        Lists::Blocks => shown(explorer::Blocks),
        Lists::Transactions => shown(explorer::Transactions),
        Lists::Mempool => shown(explorer::Mempool),
        Lists::Search => shown(explorer::Search),
    })
}

#[wasm_split(details, wasm_split_path = leptos::wasm_split, preload(load_details), fallible)]
fn details_page(page: Details) -> Result<AnyView, SplitLoaderError> {
    Ok(match page {
        Details::Block => shown(explorer::Block),
        Details::Transaction => shown(explorer::Transaction),
        Details::Account => shown(explorer::Account),
    })
}

#[wasm_split(operations, wasm_split_path = leptos::wasm_split, preload(load_operations), fallible)]
fn operations_page(page: Operations) -> Result<AnyView, SplitLoaderError> {
    use operations as pages;
    Ok(match page {
        Operations::Mining => shown(pages::Mining),
        Operations::Network => shown(pages::Network),
        Operations::Performance => shown(pages::Performance),
        Operations::Security => shown(pages::Security),
        Operations::Settings => shown(pages::Settings),
    })
}

#[wasm_split(tokens, wasm_split_path = leptos::wasm_split, preload(load_tokens), fallible)]
fn tokens_page() -> Result<AnyView, SplitLoaderError> {
    Ok(shown(operations::Tokens))
}

#[wasm_split(lab, wasm_split_path = leptos::wasm_split, preload(load_lab), fallible)]
fn lab_page(page: Lab) -> Result<AnyView, SplitLoaderError> {
    use operations as pages;
    Ok(match page {
        Lab::List => shown(pages::Lab),
        Lab::Scenario => shown(pages::LabScenario),
    })
}

#[wasm_split(receipt, wasm_split_path = leptos::wasm_split, preload(load_receipt), fallible)]
fn receipt_page() -> Result<AnyView, SplitLoaderError> {
    Ok(shown(explorer::Receipt))
}

#[wasm_split(wallet, wasm_split_path = leptos::wasm_split, preload(load_wallet), fallible)]
fn wallet_page(page: Wallet) -> Result<AnyView, SplitLoaderError> {
    use wallet as pages;
    Ok(match page {
        Wallet::Frame => shown(pages::Frame),
        Wallet::Home => shown(pages::Home),
        Wallet::Receive => shown(pages::Receive),
        Wallet::Send => shown(pages::SendCoins),
        Wallet::Contacts => shown(pages::Contacts),
    })
}

#[wasm_split(history, wasm_split_path = leptos::wasm_split, preload(load_history), fallible)]
fn history_page() -> Result<AnyView, SplitLoaderError> {
    Ok(shown(wallet::History))
}

#[wasm_split(seldom, wasm_split_path = leptos::wasm_split, preload(load_seldom), fallible)]
fn seldom_page(page: Seldom) -> Result<AnyView, SplitLoaderError> {
    use wallet as pages;
    Ok(match page {
        Seldom::Create => shown(pages::Create),
        Seldom::Restore => shown(pages::Restore),
        Seldom::Backup => shown(pages::Backup),
        Seldom::Keys => shown(pages::Keys),
        Seldom::Shared => shown(pages::Shared),
        Seldom::Documents => shown(pages::Documents),
    })
}

/// No page is rebuilt into the next one.
fn shown<F, V>(page: F) -> AnyView
where
    F: FnOnce() -> V + 'static,
    V: IntoView,
{
    let view: Branch = branch(page);
    view.into_any()
}
