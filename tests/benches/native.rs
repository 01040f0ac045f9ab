//! What one would write by hand in Rust for one filter: the lower bound. Each counts in a loop of its own.

/// Counts the packets that match.
pub(crate) type Count = fn(&[&[u8]]) -> usize;

fn count(packets: &[&[u8]], judge: impl Fn(&[u8]) -> bool) -> usize {
    packets.iter().filter(|packet| judge(std::hint::black_box(packet))).count()
}

pub(crate) fn one_port(packets: &[&[u8]]) -> usize {
    count(packets, |p| transport(p).is_some_and(|at| is_tcp(p, at) && word(p, at.start + 2) == 443))
}

pub(crate) fn six_ports(packets: &[&[u8]]) -> usize {
    count(packets, |p| {
        transport(p).is_some_and(|at| {
            is_tcp(p, at) && matches!(word(p, at.start + 2), 22 | 25 | 80 | 110 | 443 | 8080)
        })
    })
}

pub(crate) fn mix(packets: &[&[u8]]) -> usize {
    count(packets, |p| {
        transport(p).is_some_and(|at| {
            let is = |port: u16| word(p, at.start) == port || word(p, at.start + 2) == port;
            if is_tcp(p, at) { is(80) || is(443) } else { is_udp(at) && is(53) }
        })
    })
}

pub(crate) fn ipv4(packets: &[&[u8]]) -> usize {
    count(packets, |p| p.len() >= 20 && p[0] >> 4 == 4)
}

/// A transport header that is not that of a later fragment.
#[derive(Clone, Copy)]
struct At {
    protocol: u8,
    start: usize,
    end: usize,
}

#[inline]
fn word(p: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([p[at], p[at + 1]])
}

#[inline]
fn is_tcp(p: &[u8], at: At) -> bool {
    at.protocol == 6 && at.start + 20 <= at.end && p[at.start + 12] >> 4 >= 5
}

#[inline]
const fn is_udp(at: At) -> bool {
    at.protocol == 17 && at.start + 8 <= at.end
}

#[inline(always)]
fn transport(p: &[u8]) -> Option<At> {
    if p.len() < 20 {
        return None;
    }
    match p[0] >> 4 {
        4 => {
            let (start, total) = (usize::from(p[0] & 15) * 4, usize::from(word(p, 2)));
            if start < 20 || start > p.len() || start > total || word(p, 6) & 0x1FFF != 0 {
                return None;
            }
            Some(At { protocol: p[9], start, end: total.min(p.len()) })
        }
        6 if p.len() >= 40 => extensions(p),
        _ => None,
    }
}

fn extensions(p: &[u8]) -> Option<At> {
    let mut at = At { protocol: p[6], start: 40, end: p.len().min(40 + usize::from(word(p, 4))) };
    while at.start + 2 <= at.end {
        let size = match at.protocol {
            0 | 43 | 60 | 135 => 8 + 8 * usize::from(p[at.start + 1]),
            51 => 8 + 4 * usize::from(p[at.start + 1]),
            44 => 8,
            _ => break,
        };
        if at.start + size > at.end || (at.protocol == 44 && word(p, at.start + 2) & 0xFFF8 != 0) {
            return None;
        }
        at.protocol = p[at.start];
        at.start += size;
    }
    Some(at)
}
