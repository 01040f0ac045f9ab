//! The commands: one file each, with its arguments and what it does.

mod answer;
pub(crate) mod attach;
mod budget;
pub(crate) mod check;
pub(crate) mod compile;
pub(crate) mod completions;
pub(crate) mod disasm;
pub(crate) mod divert;
pub(crate) mod equiv;
pub(crate) mod eval;
pub(crate) mod explain;
pub(crate) mod format;
pub(crate) mod fuzz;
pub(crate) mod handles;
pub(crate) mod implies;
pub(crate) mod kill;
pub(crate) mod man;
pub(crate) mod overlap;
mod prove;
pub(crate) mod sat;
pub(crate) mod uninstall;
pub(crate) mod verify;
pub(crate) mod watch;

/// `1 filter`, `2 filters`.
pub(crate) fn plural(count: u64, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{ending}")
}
