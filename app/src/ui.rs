//! Components that pages share. They read nothing from the node: they show what they are given.

mod amount;
mod badge;
mod branch;
mod button;
mod chart;
mod dialog;
mod field;
mod id;
mod mark;
mod notice;
mod page;
mod pager;
mod stat;
mod table;
mod tabs;
mod theme;
mod time;
mod toast;

pub use amount::{Amount, SymbolContext};
pub use badge::{SchemeBadge, StatusBadge};
pub use branch::{Branch, branch};
pub use button::{Button, ButtonKind, ButtonLink};
pub use chart::{Chart, ChartKind, ChartPoint, ChartSeries};
pub use dialog::Dialog;
pub use field::{Field, Select};
pub use id::{AddressLink, BlockLink, CopyButton, Id, TransactionLink};
pub use mark::{Mark, MarkState};
pub use notice::{Empty, Notice, NoticeKind, ReadError, Skeleton};
pub use page::{Claimed, Followed, Loaded, PageHead};
pub use pager::{CursorPager, Pager};
pub use stat::{Fact, Facts, Stat};
pub use table::{SortHeader, Table};
pub use tabs::{Tab, Tabs};
pub use theme::ThemeSwitch;
pub use time::{Elapsed, Time};
pub use toast::{ToastStack, Toasts};
