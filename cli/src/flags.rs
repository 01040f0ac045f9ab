//! Names of the flags of handles: as files of handles have them, and as handles are listed.

use divert_driver_protocol::Flags;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

const KNOWN: [(Flags, &str); 6] = [
    (Flags::SNIFF, "sniff"),
    (Flags::DROP, "drop"),
    (Flags::RECV_ONLY, "recv-only"),
    (Flags::SEND_ONLY, "send-only"),
    (Flags::NO_INSTALL, "no-install"),
    (Flags::FRAGMENTS, "fragments"),
];
/// The names of those that a simulation knows: there nothing is installed.
const SIMULATED: [&str; 5] = ["sniff", "drop", "recv-only", "send-only", "fragments"];

/// Names of the flags that are set.
pub(crate) fn names(flags: Flags) -> Vec<&'static str> {
    KNOWN.into_iter().filter(|(flag, _)| flags.has(*flag)).map(|(_, name)| name).collect()
}

/// A flag that a handle of a simulation can have, by its name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Simulated(pub(crate) Flags);

impl<'de> Deserialize<'de> for Simulated {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        let known = KNOWN.into_iter().find(|(_, name)| *name == word && SIMULATED.contains(name));
        known.map(|(flag, _)| Self(flag)).ok_or_else(|| D::Error::unknown_variant(&word, &SIMULATED))
    }
}
