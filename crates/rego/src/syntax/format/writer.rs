//! The text that is being written: lines, their indentation, and the comments that are still to come.
//!
//! A comment that stands on a line of its own goes before whatever comes next in the source. One behind code waits, and
//! is written where the line ends that the code is now on. Two cannot wait for one line: that is a collision, and whoever
//! began the piece of source takes back what was written of it and copies it as it stands.

use super::super::annotations::begins_block;
use super::super::ast::Comment;
use super::super::source::{Source, Span};
use super::options::Style;

/// What the tree is written to.
pub(super) struct Writer<'m> {
    pub(super) source: &'m Source,
    out: String,
    level: usize,
    /// Whether the line here has begun, with its indentation.
    inline: bool,
    comments: &'m [Comment],
    /// Which comment comes next.
    next: usize,
    /// The comment that waits for the end of the line.
    waiting: Option<Comment>,
    /// Whether it waits for the line after this one, as this one only opens a list.
    delayed: bool,
    collided: bool,
    /// The line that everything counts as being on, where OPA gives a piece of source a single place.
    pub(super) row: Option<u32>,
    /// Whether the next condition's term stands in parentheses.
    pub(super) first_in_parens: bool,
    pub(super) style: Style,
}

/// A place to go back to.
pub(super) struct Mark {
    length: usize,
    level: usize,
    inline: bool,
    next: usize,
    waiting: Option<Comment>,
    delayed: bool,
    row: Option<u32>,
}

impl<'m> Writer<'m> {
    pub(super) fn new(source: &'m Source, comments: &'m [Comment], style: Style) -> Self {
        Self {
            source,
            out: String::with_capacity(source.text.len()),
            level: 0,
            inline: false,
            comments,
            next: 0,
            waiting: None,
            delayed: false,
            collided: false,
            row: None,
            first_in_parens: false,
            style,
        }
    }

    /// The line of a byte.
    pub(super) fn line(&self, at: u32) -> u32 {
        self.row.unwrap_or_else(|| self.source.line_of(at))
    }

    /// The place here.
    pub(super) fn mark(&self) -> Mark {
        Mark {
            length: self.out.len(),
            level: self.level,
            inline: self.inline,
            next: self.next,
            waiting: self.waiting.clone(),
            delayed: self.delayed,
            row: self.row,
        }
    }

    /// Forgets all that was written since.
    pub(super) fn back_to(&mut self, mark: Mark) {
        self.out.truncate(mark.length);
        self.level = mark.level;
        self.inline = mark.inline;
        self.next = mark.next;
        self.waiting = mark.waiting;
        self.delayed = mark.delayed;
        self.row = mark.row;
        self.collided = false;
    }

    /// Whether two comments have wanted to stand behind one line since the last place that was gone back to.
    pub(super) fn collided(&self) -> bool {
        self.collided
    }

    /// Whether a comment that is still to come stands in a part of the source.
    pub(super) fn has_comment_in(&self, span: Span) -> bool {
        let waiting = self.waiting.iter().chain(self.front());
        waiting.into_iter().any(|comment| comment.span.start >= span.start && comment.span.start < span.end)
    }

    /// Whether no comment in a part of the source was written before the mark, so that it may be copied from there.
    pub(super) fn is_whole(&self, mark: &Mark, span: Span) -> bool {
        let before = self.comments.iter().take(mark.next).rev();
        let taken = before.take_while(|comment| comment.span.start >= span.start).count();
        let waits = mark.waiting.as_ref().is_some_and(|comment| comment.span.start >= span.start);
        taken == usize::from(waits)
    }

    /// Writes a part of the source as it stands, comments included.
    pub(super) fn copy(&mut self, span: Span) {
        let within = |comment: &Comment| comment.span.start >= span.start && comment.span.start < span.end;
        if self.waiting.as_ref().is_some_and(within) {
            self.waiting = None;
        }
        while self.front().is_some_and(|comment| comment.span.start < span.end) {
            self.next += 1;
        }
        let source = self.source;
        self.write(source.slice(span));
    }

    /// Writes the comments in a part of the source on lines of their own, here.
    pub(super) fn hoist(&mut self, span: Span) {
        if let Some(comment) = self.waiting.take_if(|comment| comment.span.start < span.end) {
            let text = self.comment_text(&comment);
            self.ensure_line();
            self.write(text);
            self.end_line();
        }
        while let Some(comment) = self.front()
            && comment.span.start < span.end
        {
            self.comment_on_its_line(comment);
        }
    }

    fn front(&self) -> Option<&'m Comment> {
        self.comments.get(self.next)
    }

    fn comment_line(&self, comment: &Comment) -> u32 {
        self.source.line_of(comment.span.start)
    }

    fn comment_text(&self, comment: &Comment) -> &'m str {
        self.source.slice(comment.span).trim_end()
    }

    pub(super) fn write(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// How much has been written.
    pub(super) fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether a text was written at a place.
    pub(super) fn has_at(&self, at: usize, text: &str) -> bool {
        self.out.get(at..).is_some_and(|rest| rest.starts_with(text))
    }

    /// Writes a text before what was written since.
    pub(super) fn insert(&mut self, at: usize, text: &str) {
        self.out.insert_str(at, text);
    }

    /// Begins a line.
    pub(super) fn start_line(&mut self) {
        self.inline = true;
        self.out.extend(std::iter::repeat_n('\t', self.level));
    }

    /// Begins a line, unless it has begun.
    pub(super) fn ensure_line(&mut self) {
        if !self.inline {
            self.start_line();
        }
    }

    /// Ends a line, with the comment that waits for it.
    pub(super) fn end_line(&mut self) {
        self.inline = false;
        if !std::mem::take(&mut self.delayed)
            && let Some(comment) = self.waiting.take()
        {
            self.out.push(' ');
            let text = self.comment_text(&comment);
            self.out.push_str(text);
        }
        self.out.push('\n');
    }

    /// Ends a line that may have begun, and leaves one empty.
    pub(super) fn blank_line(&mut self) {
        if self.inline {
            self.end_line();
        }
        self.out.push('\n');
    }

    /// The next line that ends is that of an opening bracket.
    pub(super) fn open_lines(&mut self) {
        self.delayed = true;
        self.end_line();
        self.indent();
        self.start_line();
    }

    pub(super) fn indent(&mut self) {
        self.level += 1;
    }

    pub(super) fn outdent(&mut self) {
        self.level = self.level.saturating_sub(1);
    }

    /// Whether a comment has still to be written before something on a line.
    pub(super) fn comment_above(&self, row: u32) -> bool {
        self.waiting.is_some() || self.front().is_some_and(|comment| self.comment_line(comment) < row)
    }

    /// Writes the comments above a line; the one on it waits for the end of the line that is being written.
    pub(super) fn comments_to(&mut self, row: u32) {
        self.comments_before(row);
        self.comment_behind(row);
    }

    /// Writes the comments above a line, and keeps an empty line between them and it.
    pub(super) fn comments_before(&mut self, row: u32) {
        let mut last = None;
        let mut in_metadata = false;
        while let Some(comment) = self.front()
            && self.comment_line(comment) < row
        {
            let line = self.comment_line(comment);
            let apart = last.is_some_and(|last| line > last + 1);
            let metadata = begins_block(self.source, comment);
            // Blocks of metadata do not touch each other.
            if apart || metadata && in_metadata {
                self.blank_line();
            }
            in_metadata = metadata || in_metadata && !apart;
            self.comment_on_its_line(comment);
            last = Some(line);
        }
        if last.is_some_and(|last| row > last + 1) {
            self.blank_line();
        }
    }

    /// Takes the comment on a line away, if that is the next one.
    pub(super) fn take_comment_on(&mut self, row: u32) -> Option<&'m str> {
        let comment = self.front().filter(|comment| self.comment_line(comment) == row)?;
        self.next += 1;
        Some(self.comment_text(comment))
    }

    /// Lets the comment on a line wait for the end of the line that is being written.
    pub(super) fn comment_behind(&mut self, row: u32) {
        if let Some(comment) = self.front()
            && self.comment_line(comment) == row
        {
            self.next += 1;
            self.collided |= self.waiting.is_some();
            self.waiting = Some(comment.clone());
        }
    }

    fn comment_on_its_line(&mut self, comment: &Comment) {
        self.next += 1;
        self.collided |= self.inline && self.waiting.is_some();
        if self.inline && !self.out.ends_with(['\t', ' ', '\n']) {
            self.write(" ");
        }
        self.ensure_line();
        let text = self.comment_text(comment);
        self.write(text);
        self.end_line();
    }

    /// The whole text, with the comments at its end.
    pub(super) fn finish(mut self) -> String {
        if self.inline {
            self.end_line();
        }
        while let Some(comment) = self.front() {
            self.comment_on_its_line(comment);
        }
        self.out.truncate(self.out.trim_end_matches('\n').len());
        self.out.push('\n');
        self.out
    }
}
