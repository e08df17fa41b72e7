//! Views that take each other's place: steps of a form, stages of a payment, pages; and views that are redrawn while they are used.

use std::any::TypeId;

use leptos::{
    attr::{Attribute, any_attribute::AnyAttribute},
    prelude::*,
    tachys::{
        hydration::Cursor,
        renderer::types::{Element, Node},
        ssr::StreamBuilder,
        view::{Position, PositionState, any_view::AnyViewState},
    },
};

use crate::browser;

/// One of several views in the same place; none is rebuilt into another. See [`branch`].
pub struct Branch {
    /// Which of them it is.
    key: TypeId,
    view: AnyView,
}

/// One arm of a `match` or `if` in a reactive view: `branch(move || view! { … })`. The key is the type of the closure, so each place
/// in the source has its own.
///
/// With erased types (`.cargo/config.toml`) the views of two arms have one type, and Leptos rebuilds the elements of the one into those
/// of the other. The input of the next step would then have the focus, the file or the text of the one before, and a button that
/// becomes another within its own click would submit the new form. Branches are built from scratch instead, as views of distinct types are.
///
/// A branch that is redrawn keeps the focus of the keyboard. So it is for a single view, too, that changes with the chain while a reader
/// is on it: `move || branch(move || view! { … })`. With erased types Leptos removes every attribute of an element that it redraws and
/// sets it again, and a link loses the focus with its address, be it for an instant.
pub fn branch<F, V>(view: F) -> Branch
where
    F: FnOnce() -> V + 'static,
    V: IntoView,
{
    Branch {
        key: TypeId::of::<F>(),
        view: view().into_any(),
    }
}

/// What a [`Branch`] became in the page.
pub struct BranchState {
    key: TypeId,
    view: AnyViewState,
}

impl Render for Branch {
    type State = BranchState;

    fn build(self) -> Self::State {
        BranchState {
            key: self.key,
            view: self.view.build(),
        }
    }

    fn rebuild(self, state: &mut Self::State) {
        if self.key == state.key {
            return browser::keeping_focus(|| self.view.rebuild(&mut state.view));
        }
        let mut new = self.build();
        state.insert_before_this(&mut new);
        state.unmount();
        *state = new;
    }
}

impl Mountable for BranchState {
    fn unmount(&mut self) {
        self.view.unmount();
    }

    fn mount(&mut self, parent: &Element, marker: Option<&Node>) {
        self.view.mount(parent, marker);
    }

    fn insert_before_this(&self, child: &mut dyn Mountable) -> bool {
        self.view.insert_before_this(child)
    }

    fn elements(&self) -> Vec<Element> {
        self.view.elements()
    }
}

impl AddAnyAttr for Branch {
    type Output<SomeNewAttr: Attribute> = Self;

    fn add_any_attr<NewAttr: Attribute>(self, attr: NewAttr) -> Self::Output<NewAttr>
    where
        Self::Output<NewAttr>: RenderHtml,
    {
        Self {
            key: self.key,
            view: self.view.add_any_attr(attr).into_any(),
        }
    }
}

// The server writes, and the browser reads, what the view alone would be.
impl RenderHtml for Branch {
    type AsyncOutput = Self;
    type Owned = Self;

    const MIN_LENGTH: usize = 0;

    fn dry_resolve(&mut self) {
        self.view.dry_resolve();
    }

    async fn resolve(self) -> Self::AsyncOutput {
        Self {
            key: self.key,
            view: self.view.resolve().await,
        }
    }

    fn html_len(&self) -> usize {
        self.view.html_len()
    }

    fn to_html_with_buf(
        self,
        buf: &mut String,
        position: &mut Position,
        escape: bool,
        mark_branches: bool,
        extra_attrs: Vec<AnyAttribute>,
    ) {
        self.view
            .to_html_with_buf(buf, position, escape, mark_branches, extra_attrs);
    }

    fn to_html_async_with_buf<const OUT_OF_ORDER: bool>(
        self,
        buf: &mut StreamBuilder,
        position: &mut Position,
        escape: bool,
        mark_branches: bool,
        extra_attrs: Vec<AnyAttribute>,
    ) {
        self.view
            .to_html_async_with_buf::<OUT_OF_ORDER>(buf, position, escape, mark_branches, extra_attrs);
    }

    fn hydrate<const FROM_SERVER: bool>(self, cursor: &Cursor, position: &PositionState) -> Self::State {
        BranchState {
            key: self.key,
            view: self.view.hydrate::<FROM_SERVER>(cursor, position),
        }
    }

    async fn hydrate_async(self, cursor: &Cursor, position: &PositionState) -> Self::State {
        BranchState {
            key: self.key,
            view: self.view.hydrate_async(cursor, position).await,
        }
    }

    fn into_owned(self) -> Self::Owned {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(first: bool) -> Branch {
        match first {
            true => branch(|| "one text"),
            false => branch(|| "one text"),
        }
    }

    #[test]
    fn each_place_in_the_source_is_a_branch_of_its_own() {
        assert_eq!(step(true).key, step(true).key, "the same branch again");
        assert_ne!(step(true).key, step(false).key, "another branch of the same type");
    }
}
