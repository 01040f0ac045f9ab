//! Every bound of this crate, with its reason.

/// Most tests in a decision graph. Sixteen times what a program can hold, so that the optimiser may still bring a
/// large graph below that.
pub const MAX_NODES: usize = 1 << 20;

/// Most tests that definitions may add by being used more than once, equal ones counted once. Four times what a program
/// can hold: beyond that definitions multiply each other, and it should not take long to say so.
pub const MAX_MULTIPLIED: usize = 1 << 18;

/// Most visits while a filter is lowered, for each test that it may have: one that makes no node costs time too.
pub const VISITS_A_TEST: usize = 8;

/// Levels of nesting of a filter with its definitions put in their places. Each level is a stack frame or two of every
/// later stage; this many stay within a 2 MiB stack. One text alone may nest 1,024 levels.
pub const MAX_DEPTH: u32 = 1_536;

/// Most bytes of a byte string: 256 tests of four bytes each, half of the work that a driver allows one filter.
pub const MAX_BYTE_STRING: usize = 1_024;

/// Greatest number in an index, before it is scaled; the original's limit (language notes §3).
pub const MAX_INDEX_NUMBER: u128 = 65_575;

/// Most errors that are reported for one set file. Nobody reads more.
pub const MAX_FILE_ERRORS: usize = 20;
