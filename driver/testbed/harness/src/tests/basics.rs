//! One packet.

use divert_driver_protocol::Flags;
use divert_testbed_control::{Fate, How};

use super::equal;
use crate::Check;
use crate::bed::Bed;
use crate::handle::{Context as _, Handle};
use crate::packets::{outbound, udp};

pub(crate) fn round_trip(bed: &mut Bed) -> Check {
    let handle = Handle::network("outbound and udp", 0, Flags::NONE)?;
    let packet = udp(7, 20);
    equal("fate", bed.packet(outbound(packet.clone()))?, Fate::Absorbed)?;
    let batch = handle.receive().context("receiving")?;
    equal("received", &batch.data[..], &packet[..])?;
    equal("outbound", batch.addresses[0].outbound, true)?;
    equal("nothing left yet", bed.outcomes()?.len(), 0)?;
    let sent = handle.send_back(&batch).context("sending")?;
    equal("sent", (sent.packets, sent.failed), (1, 0))?;
    let outcomes = bed.outcomes()?;
    equal("left", outcomes.len(), 1)?;
    equal("how", outcomes[0].how, How::Injected)?;
    equal("bytes", &outcomes[0].bytes[..], &packet[..])
}
