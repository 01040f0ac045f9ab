//! Where comments go: each is written once, in order, at the first place that lies behind it.

use super::layout::Layout;
use crate::ast::Comment;

/// The comments that are not yet written.
pub(super) struct Comments<'a> {
    left: &'a [Comment],
}

impl<'a> Comments<'a> {
    pub(super) const fn new(comments: &'a [Comment]) -> Self {
        Self { left: comments }
    }

    /// Whether a comment stands before `place`.
    pub(super) fn any_before(&self, place: u32) -> bool {
        self.left.first().is_some_and(|comment| comment.span.start() < place)
    }

    fn take(&mut self, place: u32, only_trailing: bool) -> Option<&'a Comment> {
        let (first, rest) = self.left.split_first()?;
        if first.span.start() >= place || (only_trailing && first.own_line) {
            return None;
        }
        self.left = rest;
        Some(first)
    }

    /// Comments that follow something on its line, put behind what was written last. One that ends the line is the last.
    pub(super) fn trailing(&mut self, place: u32, layout: &mut Layout) {
        while !layout.has_line_end() {
            let Some(comment) = self.take(place, true) else { return };
            layout.text(" ");
            write(comment, layout);
        }
    }

    /// The other comments before `place`, each on a line of its own; the layout stands at the beginning of a line.
    pub(super) fn before(&mut self, place: u32, layout: &mut Layout) {
        while let Some(comment) = self.take(place, false) {
            write(comment, layout);
            layout.hard();
        }
    }

    /// The same at the end of a line, before a closing bracket.
    pub(super) fn after(&mut self, place: u32, layout: &mut Layout) {
        while let Some(comment) = self.take(place, false) {
            layout.hard();
            write(comment, layout);
        }
    }
}

fn write(comment: &Comment, layout: &mut Layout) {
    layout.text(comment.text.trim_end());
    if comment.text.starts_with('#') {
        layout.line_end();
    }
}
