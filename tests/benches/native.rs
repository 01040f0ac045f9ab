//! What one would write by hand in Rust for one filter: the lower bound.

/// Ports of the transport header of an unfragmented TCP packet, as (source, destination).
fn tcp(p: &[u8]) -> Option<(u16, u16)> {
    ports(p, 6, 20).filter(|(_, _, header)| header[12] >> 4 >= 5).map(|(source, target, _)| (source, target))
}

fn udp(p: &[u8]) -> Option<(u16, u16)> {
    ports(p, 17, 8).map(|(source, target, _)| (source, target))
}

#[inline]
fn ports(p: &[u8], protocol: u8, least: usize) -> Option<(u16, u16, &[u8])> {
    let word = |at: usize| u16::from_be_bytes([p[at], p[at + 1]]);
    if p.len() < 20 {
        return None;
    }
    let (number, header) = match p[0] >> 4 {
        4 => {
            let (length, total) = (usize::from(p[0] & 15) * 4, usize::from(word(2)));
            if length < 20 || length > p.len() || length > total || word(6) & 0x1FFF != 0 {
                return None;
            }
            (p[9], &p[length..total.min(p.len())])
        }
        6 if p.len() >= 40 => {
            let end = p.len().min(40 + usize::from(word(4)));
            let (mut number, mut at) = (p[6], 40);
            while at + 2 <= end {
                let size = match number {
                    0 | 43 | 60 | 135 => 8 + 8 * usize::from(p[at + 1]),
                    51 => 8 + 4 * usize::from(p[at + 1]),
                    44 => 8,
                    _ => break,
                };
                if at + size > end || (number == 44 && word(at + 2) & 0xFFF8 != 0) {
                    return None;
                }
                number = p[at];
                at += size;
            }
            (number, &p[at..end])
        }
        _ => return None,
    };
    if number != protocol || header.len() < least {
        return None;
    }
    Some((u16::from_be_bytes([header[0], header[1]]), u16::from_be_bytes([header[2], header[3]]), header))
}

pub fn one_port(p: &[u8]) -> bool {
    tcp(p).is_some_and(|(_, target)| target == 443)
}

pub fn six_ports(p: &[u8]) -> bool {
    tcp(p).is_some_and(|(_, target)| matches!(target, 22 | 25 | 80 | 110 | 443 | 8080))
}

pub fn mix(p: &[u8]) -> bool {
    let is = |port: u16, target: u16, wanted: u16| port == wanted || target == wanted;
    tcp(p).is_some_and(|(port, target)| is(port, target, 80) || is(port, target, 443))
        || udp(p).is_some_and(|(port, target)| is(port, target, 53))
}

pub fn ipv4(p: &[u8]) -> bool {
    p.len() >= 20 && p[0] >> 4 == 4
}
