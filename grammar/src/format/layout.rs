//! Lines: which groups stay on one and which are broken.
//!
//! A group that fits into the line, together with the text up to the next place where a line may end, stays flat; every
//! other one is broken at all of its places. (Entries of sets are filled: each of their places decides for itself.) All
//! widths are known from one pass before, so that printing is linear.

/// The columns of a line.
const WIDTH: u64 = 100;

/// The deepest indentation. Without it the size of a deeply nested filter would grow with the square of its depth.
const MAX_INDENT: u32 = 64;

/// Wider than any line.
const TOO_WIDE: u64 = 1 << 32;

#[derive(Clone, Copy)]
enum Op {
    /// The next bytes of the buffer.
    Text {
        bytes: usize,
        columns: u64,
    },
    /// What follows must begin on a new line.
    LineEnd,
    /// A line end in a broken group, the given text in a flat one.
    Soft(&'static str),
    /// In a broken group a blank, or a line end when what follows does not fit.
    Fill,
    /// A line end.
    Hard,
    Begin,
    End,
    Indent(u32),
    Dedent(u32),
}

/// A text in the making.
pub(super) struct Layout {
    buffer: String,
    ops: Vec<Op>,
}

impl Layout {
    pub(super) const fn new() -> Self {
        Self { buffer: String::new(), ops: Vec::new() }
    }

    pub(super) fn text(&mut self, text: &str) {
        self.buffer.push_str(text);
        let broken = text.contains('\n');
        let columns = if broken { TOO_WIDE } else { text.chars().count() as u64 };
        match self.ops.last_mut() {
            Some(Op::Text { bytes, columns: before }) => {
                *bytes += text.len();
                *before += columns;
            }
            _ => self.ops.push(Op::Text { bytes: text.len(), columns }),
        }
    }

    /// A sign directly behind the last word, which must not swallow it.
    pub(super) fn sign(&mut self, sign: char) {
        if sign == ':' && self.buffer.ends_with(':') {
            self.text(" ");
        }
        self.text(sign.encode_utf8(&mut [0; 4]));
    }

    pub(super) fn line_end(&mut self) {
        self.ops.push(Op::LineEnd);
    }

    /// Whether nothing more can be put on this line.
    pub(super) fn has_line_end(&self) -> bool {
        matches!(self.ops.last(), Some(Op::LineEnd))
    }

    pub(super) fn soft(&mut self, flat: &'static str) {
        self.ops.push(Op::Soft(flat));
    }

    pub(super) fn fill(&mut self) {
        self.ops.push(Op::Fill);
    }

    pub(super) fn hard(&mut self) {
        self.ops.push(Op::Hard);
    }

    pub(super) fn begin(&mut self) {
        self.ops.push(Op::Begin);
    }

    pub(super) fn end(&mut self) {
        self.ops.push(Op::End);
    }

    pub(super) fn indent(&mut self, columns: u32) {
        self.ops.push(Op::Indent(columns));
    }

    pub(super) fn dedent(&mut self, columns: u32) {
        self.ops.push(Op::Dedent(columns));
    }

    /// For each `Begin` the columns of its group when flat and of the text behind it up to the next place where a line may
    /// end; for each `Fill` the columns up to the next such place. Zero for all others.
    fn widths(&self) -> Vec<u64> {
        let mut widths = vec![0; self.ops.len()];
        // Columns of everything behind the place, all flat; the same up to the next possible line end.
        let (mut total, mut tail) = (0_u64, 0_u64);
        // For each open group: `total` at its end, and what follows it.
        let mut ends = Vec::new();
        for (width, op) in widths.iter_mut().zip(&self.ops).rev() {
            match *op {
                Op::Text { bytes: _, columns } => {
                    total += columns;
                    tail += columns;
                }
                Op::LineEnd | Op::Hard => {
                    total += TOO_WIDE;
                    tail = 0;
                }
                Op::Soft(flat) => {
                    total += flat.len() as u64;
                    tail = 0;
                }
                Op::Fill => {
                    *width = 1 + tail;
                    total += 1;
                    tail = 0;
                }
                Op::End => ends.push((total, tail)),
                Op::Begin => {
                    let (behind, follows) = ends.pop().unwrap_or((total, tail));
                    *width = total - behind + follows;
                }
                Op::Indent(_) | Op::Dedent(_) => {}
            }
        }
        widths
    }

    /// The text.
    pub(super) fn print(self) -> String {
        let widths = self.widths();
        let mut printer =
            Printer { text: String::with_capacity(self.buffer.len() * 5 / 4), column: 0, indent: 0 };
        let mut rest = self.buffer.as_str();
        let mut flat: Vec<bool> = Vec::new();
        let mut line_ended = false;
        for (op, width) in self.ops.iter().zip(widths) {
            let is_flat = flat.last().copied().unwrap_or(false);
            let fits = printer.place() + width <= WIDTH;
            match *op {
                Op::Text { bytes, columns: _ } => {
                    if core::mem::take(&mut line_ended) {
                        printer.newline();
                    }
                    let (text, behind) = rest.split_at_checked(bytes).unwrap_or((rest, ""));
                    rest = behind;
                    printer.write(text);
                }
                Op::LineEnd => line_ended = true,
                Op::Soft(text) if is_flat => printer.write(text),
                Op::Fill if (is_flat || fits) && !line_ended => printer.write(" "),
                Op::Soft(_) | Op::Fill | Op::Hard => {
                    line_ended = false;
                    printer.newline();
                }
                Op::Begin => flat.push(is_flat || (fits && !line_ended)),
                Op::End => {
                    flat.pop();
                }
                Op::Indent(columns) => printer.indent += columns,
                Op::Dedent(columns) => printer.indent -= columns,
            }
        }
        printer.text
    }
}

struct Printer {
    text: String,
    column: u64,
    indent: u32,
}

impl Printer {
    fn newline(&mut self) {
        self.text.push('\n');
        self.column = 0;
    }

    /// The column where the next text would begin.
    fn place(&self) -> u64 {
        if self.column == 0 { u64::from(self.indent.min(MAX_INDENT)) } else { self.column }
    }

    fn write(&mut self, text: &str) {
        if self.column == 0 && !text.is_empty() {
            let indent = self.indent.min(MAX_INDENT);
            self.text.extend(core::iter::repeat_n(' ', indent as usize));
            self.column = u64::from(indent);
        }
        self.text.push_str(text);
        let line = text.rsplit('\n').next().unwrap_or(text);
        let before = if line.len() == text.len() { self.column } else { 0 };
        self.column = before + line.chars().count() as u64;
    }
}
