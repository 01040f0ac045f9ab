//! What is said of single records.

use std::fmt;
use std::io::Write as _;

use divert_vm::input::{Endpoint, Input, Reflected};
use divert_vm::layer::{Event, Layer};
use divert_vm::packet::{Packet, Version};

use super::stats::{Port, Traits};
use super::{Judge, Name};
use crate::brief::{End, Ends, Flow, ends, ports};
use crate::capture::record::{Record, Timestamp};
use crate::events::Described;

/// A record and its verdict.
pub(crate) struct Shown<'a> {
    index: u64,
    matched: bool,
    what: What<'a>,
}

enum What<'a> {
    Frame(&'a Record<'a>, Option<&'a Packet<'a>>),
    Event(&'a Described, &'a [u8]),
}

impl<'a> Shown<'a> {
    pub(super) fn capture(record: &'a Record<'_>, packet: Option<&'a Packet<'a>>, matched: bool) -> Self {
        Self { index: record.index, matched, what: What::Frame(record, packet) }
    }

    pub(super) const fn event(index: u64, event: &'a Described, packet: &'a [u8], matched: bool) -> Self {
        Self { index, matched, what: What::Event(event, packet) }
    }

    /// 0-based number in its input.
    pub(super) const fn index(&self) -> u64 {
        self.index
    }

    /// The verdict.
    pub(super) const fn matched(&self) -> bool {
        self.matched
    }

    /// What is counted of it.
    pub(super) fn traits(&self) -> Traits {
        match &self.what {
            What::Frame(_, packet) => packet.map(of_packet).unwrap_or_default(),
            What::Event(event, bytes) => match (event.endpoint(), event.reflected()) {
                (Some(endpoint), _) => of_endpoint(endpoint),
                (None, Some(handle)) => Traits { process: Some(handle.process_id), ..Traits::default() },
                (None, None) => Packet::parse(bytes).map(|packet| of_packet(&packet)).unwrap_or_default(),
            },
        }
    }

    /// Gives what `judge` judges to `see`; `None` where there is nothing to be judged.
    pub(super) fn see<T>(&self, judge: &Judge<'_>, see: impl FnOnce(&Input<'_>) -> T) -> Option<T> {
        match &self.what {
            What::Frame(record, _) => judge.see(record, see),
            What::Event(event, packet) => event.judge(packet, see),
        }
    }
}

/// One JSON object on a line.
pub(super) fn json(input: &Name, shown: &Shown<'_>, text: &mut Vec<u8>) {
    let input = &input.quoted;
    let Shown { index, matched, .. } = shown;
    // Writing to memory cannot fail.
    let _ = writeln!(text, "{{\"input\":{input},\"index\":{index},\"match\":{matched}}}");
}

/// One readable line for a match.
pub(super) fn list(shown: &Shown<'_>, text: &mut Vec<u8>) {
    if shown.matched {
        let _ = writeln!(text, "{shown}");
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>6}  ", self.index)?;
        match &self.what {
            What::Frame(record, packet) => {
                match record.timestamp() {
                    Some(time) => write!(f, "{}", Moment(time))?,
                    None => write!(f, "{:<27}", "-")?,
                }
                packet.map_or(Ok(()), |packet| write!(f, "  {}", Flow(packet)))
            }
            What::Event(event, bytes) => {
                write!(f, "{} {}", event.layer().name(), event.event().name())?;
                if let Ok(packet) = Packet::parse(bytes)
                    && event.event() == Event::Packet
                {
                    write!(f, "  {}", Flow(&packet))?;
                }
                if let Some(endpoint) = event.endpoint() {
                    write!(f, "  {}", Ends(endpoint))?;
                }
                if let Some(handle) = event.reflected() {
                    write!(f, "  {}", Handle(handle))?;
                }
                let way = if event.address().outbound { "outbound" } else { "inbound" };
                if event.layer() == Layer::Reflect { Ok(()) } else { write!(f, "  {way}") }
            }
        }
    }
}

fn of_packet(packet: &Packet<'_>) -> Traits {
    let (ipv6, protocol) = (packet.version() == Version::V6, packet.transport().number);
    let (source, destination) = ends(packet);
    Traits {
        ends: Some([source, destination].map(|address| End { ipv6, address })),
        ports: ports(packet).map(|ports| ports.map(|port| Port { protocol, port })),
        protocol: Some(protocol),
        process: None,
    }
}

fn of_endpoint(endpoint: &Endpoint) -> Traits {
    let Endpoint { ipv6, local_addr, remote_addr, local_port, remote_port, protocol, .. } = *endpoint;
    Traits {
        ends: Some([local_addr, remote_addr].map(|address| End { ipv6, address })),
        // Of ICMP these are type and code.
        ports: matches!(protocol, 6 | 17)
            .then(|| [local_port, remote_port].map(|port| Port { protocol, port })),
        protocol: Some(protocol),
        process: Some(endpoint.process_id),
    }
}

/// `2024-01-02T03:04:05.678901Z`
struct Moment(Timestamp);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, second) = (self.0.secs.div_euclid(86_400), self.0.secs.rem_euclid(86_400));
        let (year, month, day) = date(days);
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        let micros = self.0.nanos / 1_000;
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
    }
}

/// Year, month and day of a day since 1970-01-01, in years that begin with March: then leap days come last.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

struct Handle<'a>(&'a Reflected);

impl fmt::Display for Handle<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Reflected { process_id, layer, priority } = self.0;
        write!(f, "{} priority {priority}  process {process_id}", layer.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_dates() {
        for (secs, nanos, text) in [
            (0, 0, "1970-01-01T00:00:00.000000Z"),
            (951_782_399, 999_999_999, "2000-02-28T23:59:59.999999Z"),
            (951_782_400, 0, "2000-02-29T00:00:00.000000Z"),
            (1_704_164_645, 678_901_000, "2024-01-02T03:04:05.678901Z"),
            (-1, 0, "1969-12-31T23:59:59.000000Z"),
        ] {
            assert_eq!(Moment(Timestamp { secs, nanos }).to_string(), text);
        }
    }
}
