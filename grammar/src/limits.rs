//! Every bound of this crate, with its reason.

/// Levels of `(`, `[` and `{` that may be open at once.
///
/// Later stages, and the drop of the tree itself, take one stack frame or a few per level; with this bound they stay
/// within a 1 MiB stack. The original stops at 340 levels, so every filter it takes is far below.
pub const MAX_NESTING: usize = 1024;

/// Bytes of one source text: 64 MiB. Spans are `u32`, and nobody writes a longer filter by hand or by program.
pub const MAX_SOURCE: usize = 64 << 20;

/// Errors that are recorded before parsing stops. Nobody reads more, and a text that is no filter at all has thousands.
pub const MAX_ERRORS: usize = 100;

/// Work that error recovery may do, counted in open parentheses looked at per token thrown away.
///
/// Recovery searches the parser's whole stack for every token that it drops, which would be quadratic in a deep text.
/// Texts with a few mistakes need a handful.
pub(crate) const MAX_RECOVERY: u32 = 50_000;

/// Tokens that may pass without a part of the tree being finished before they count as dropped.
pub(crate) const MAX_IDLE: u32 = 8;

/// Times that the grammar may recover. More than [`MAX_ERRORS`], because many recoveries report nothing new; but each costs
/// time in proportion to the depth.
pub(crate) const MAX_RECOVERIES: usize = 4 * MAX_ERRORS;
