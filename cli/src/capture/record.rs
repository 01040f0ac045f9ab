//! What a capture yields: a packet with its circumstances.

/// One packet of a capture. It borrows the reader's buffer and is valid until the next one is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    /// 0-based number over the whole file.
    pub(crate) index: u64,
    /// What the first byte of `bytes` is.
    pub(crate) link: LinkType,
    /// Interface within its section (pcapng); 0 in pcap.
    pub(crate) interface: u32,
    /// Which way the packet went, where the record says so.
    pub(crate) direction: Option<Direction>,
    /// Length on the wire; `bytes` is shorter where the capture was limited.
    pub(crate) original_len: u32,
    /// The captured frame.
    pub(crate) bytes: &'a [u8],
    /// The whole record or block as it stands in the file.
    pub(crate) raw: &'a [u8],
    /// When it was captured, not worked out yet.
    pub(super) stamp: Stamp,
}

impl Record<'_> {
    /// When the packet was captured; worked out on request, because most filters do not ask. `None`: the record says
    /// nothing (simple packet blocks), or nothing that fits.
    pub(crate) fn timestamp(&self) -> Option<Timestamp> {
        self.stamp.resolve()
    }
}

/// A moment: seconds since 1970-01-01 UTC, and nanoseconds below 1,000,000,000 after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Timestamp {
    /// Whole seconds, rounded down.
    pub(crate) secs: i64,
    /// The rest.
    pub(crate) nanos: u32,
}

impl Timestamp {
    /// Nanoseconds since 1970-01-01 UTC.
    pub(crate) fn as_nanos(self) -> i128 {
        i128::from(self.secs) * i128::from(NANOS) + i128::from(self.nanos)
    }
}

/// Which way a packet went, seen from the capturing host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Received.
    Inbound,
    /// Sent.
    Outbound,
}

impl Direction {
    /// Linux packet types as SLL, SLL2 and the "modified" pcap record carry them: 0 to us, 1 broadcast, 2 multicast,
    /// 3 to somebody else, 4 sent by us. A broadcast or multicast of our own has type 4, hence 1 and 2 were received;
    /// 3 was only overheard, which is neither.
    pub(super) fn from_linux_packet_type(packet_type: u16) -> Option<Self> {
        match packet_type {
            0..=2 => Some(Self::Inbound),
            4 => Some(Self::Outbound),
            _ => None,
        }
    }

    /// Bits 0 and 1 of `epb_flags`.
    pub(super) fn from_epb_flags(flags: u32) -> Option<Self> {
        match flags & 3 {
            1 => Some(Self::Inbound),
            2 => Some(Self::Outbound),
            _ => None,
        }
    }
}

/// A number of the tcpdump.org list of link-layer header types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct LinkType(pub(crate) u32);

impl LinkType {
    /// BSD loopback, address family in the byte order of the capturing host.
    pub(crate) const NULL: Self = Self(0);
    /// Ethernet.
    pub(crate) const ETHERNET: Self = Self(1);
    /// PPP, with or without address and control bytes.
    pub(crate) const PPP: Self = Self(9);
    /// Raw IP, as most BSDs number it inside files.
    pub(crate) const RAW_BSD: Self = Self(12);
    /// Raw IP, as OpenBSD numbers it.
    pub(crate) const RAW_OPENBSD: Self = Self(14);
    /// PPP in HDLC-like framing, or Cisco HDLC.
    pub(crate) const PPP_HDLC: Self = Self(50);
    /// PPPoE without the Ethernet header.
    pub(crate) const PPP_ETHER: Self = Self(51);
    /// Raw IP, version from its first byte.
    pub(crate) const RAW: Self = Self(101);
    /// Cisco HDLC.
    pub(crate) const C_HDLC: Self = Self(104);
    /// OpenBSD loopback, address family in network byte order.
    pub(crate) const LOOP: Self = Self(108);
    /// Linux "cooked" capture.
    pub(crate) const LINUX_SLL: Self = Self(113);
    /// Raw IPv4.
    pub(crate) const IPV4: Self = Self(228);
    /// Raw IPv6.
    pub(crate) const IPV6: Self = Self(229);
    /// Linux "cooked" capture, version 2.
    pub(crate) const LINUX_SLL2: Self = Self(276);

    /// 802.11 in its forms: bare, Prism, radiotap, AVS, PPI.
    pub(crate) fn is_wireless(self) -> bool {
        matches!(self.0, 105 | 119 | 127 | 163 | 192)
    }
}

const NANOS: u64 = 1_000_000_000;

/// A timestamp as the file has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp {
    /// The number in the file: ticks, or seconds in the upper half and their fraction in the lower.
    pub(super) value: u64,
    /// How to read it.
    pub(super) clock: Clock,
}

/// How timestamps are counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    /// What the number is.
    pub(super) unit: Unit,
    /// Seconds to add: `if_tsoffset`.
    pub(super) offset: i64,
}

/// What the number of a timestamp is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unit {
    /// Nothing: there is none.
    None,
    /// Seconds and microseconds; the latter may exceed a second in damaged or odd files.
    Micros,
    /// Seconds and nanoseconds, likewise.
    Nanos,
    /// A count of ticks, with `if_tsresol` as in the file: a power of 10, or of 2 with the top bit set; the tick is a
    /// second over it.
    Ticks(u8),
}

impl Stamp {
    fn resolve(self) -> Option<Timestamp> {
        let (secs, fraction) = (self.value >> 32, self.value & 0xffff_ffff);
        let (secs, nanos) = match self.clock.unit {
            Unit::None => return None,
            Unit::Micros => carry(secs, fraction * 1_000),
            Unit::Nanos => carry(secs, fraction),
            Unit::Ticks(resolution) => split_ticks(self.value, resolution),
        };
        let secs = i64::try_from(secs).ok()?.checked_add(self.clock.offset)?;
        Some(Timestamp { secs, nanos: u32::try_from(nanos).ok()? })
    }
}

fn carry(secs: u64, nanos: u64) -> (u64, u64) {
    (secs + nanos / NANOS, nanos % NANOS)
}

/// Seconds and nanoseconds of a tick count; finer resolutions than a nanosecond are rounded down.
fn split_ticks(ticks: u64, resolution: u8) -> (u64, u64) {
    let exponent = u32::from(resolution & 0x7f);
    let wide = u128::from(ticks);
    if resolution & 0x80 != 0 {
        // At most 2^94, and shifted by 127 at most.
        let nanos = (wide * u128::from(NANOS)) >> exponent;
        ((nanos / u128::from(NANOS)) as u64, (nanos % u128::from(NANOS)) as u64)
    } else {
        match 10u128.checked_pow(exponent) {
            Some(per_second) => {
                let nanos = match exponent.checked_sub(9) {
                    None => wide % per_second * 10u128.pow(9 - exponent),
                    Some(finer) => wide % per_second / 10u128.pow(finer),
                };
                ((wide / per_second) as u64, nanos as u64)
            }
            // 10^39 and more ticks to a second: 64 bits of them are no nanosecond.
            None => (0, 0),
        }
    }
}
