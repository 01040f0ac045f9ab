//! What is to be assumed where an input says nothing.

use clap::Args;
use divert_vm::input::Address;
use divert_vm::program::Verified;

use super::{Judge, Local, Subnet};

/// What is to be assumed where an input says nothing.
#[derive(Debug, Args)]
pub(crate) struct Assume {
    /// Addresses of the machine that captured; may be repeated
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    local: Vec<Subnet>,
    /// Take packets as outbound where nothing else is known (the default)
    #[arg(long, conflicts_with = "inbound")]
    outbound: bool,
    /// Take packets as inbound where nothing else is known
    #[arg(long)]
    inbound: bool,
    /// Take packets as loopback traffic
    #[arg(long)]
    loopback: bool,
    /// Take packets as injected by another driver
    #[arg(long)]
    impostor: bool,
    /// Interface number of packets
    #[arg(long, value_name = "N", default_value_t = 0)]
    if_idx: u32,
    /// Sub-interface number of packets
    #[arg(long, value_name = "N", default_value_t = 0)]
    sub_if_idx: u32,
}

impl Assume {
    /// A judge that assumes this.
    pub(crate) fn judge<'v>(&self, verified: Verified<'v>) -> Judge<'v> {
        let base = Address {
            timestamp: 0,
            outbound: !self.inbound,
            loopback: self.loopback,
            impostor: self.impostor,
            if_idx: self.if_idx,
            sub_if_idx: self.sub_if_idx,
        };
        Judge::new(verified, base, Local::new(&self.local))
    }
}
