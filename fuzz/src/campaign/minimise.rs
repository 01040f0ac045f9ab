//! Making a case smaller and plainer while it still shows what it shows.

use divert_vm::Address;

use crate::r#gen::case::Case;

/// Most candidates that are tried.
const MOST: usize = 2_000;

/// The least case that was found in time for which `shows` holds; it holds for `case`.
pub(super) fn minimise(
    mut case: Case,
    mut shows: impl FnMut(&Case) -> bool,
    in_time: &dyn Fn() -> bool,
) -> Case {
    let mut tried = 0;
    loop {
        let mut better = false;
        for candidate in candidates(&case) {
            tried += 1;
            if tried > MOST || !in_time() {
                return case;
            }
            if candidate != case && shows(&candidate) {
                case = candidate;
                better = true;
                break;
            }
        }
        if !better {
            return case;
        }
    }
}

/// Simpler cases, the simplest first.
fn candidates(case: &Case) -> Vec<Case> {
    let mut all = Vec::new();
    let (Case::Packet(_, _, address) | Case::Endpoint(_, _, _, address) | Case::Reflected(_, _, address)) =
        case;
    let plain = [
        Address::default(),
        Address { outbound: address.outbound, ..Address::default() },
        Address { timestamp: 0, ..*address },
        Address { if_idx: 0, sub_if_idx: 0, ..*address },
        Address { loopback: false, impostor: false, ..*address },
    ];
    for address in plain {
        let mut candidate = case.clone();
        match &mut candidate {
            Case::Packet(_, _, place) | Case::Endpoint(_, _, _, place) | Case::Reflected(_, _, place) => {
                *place = address;
            }
        }
        // Only what differs gets nearer to the end.
        if candidate != *case {
            all.push(candidate);
        }
    }
    if let Case::Packet(layer, bytes, address) = case {
        let mut push = |bytes: Vec<u8>| all.push(Case::Packet(*layer, bytes, *address));
        let mut length = bytes.len() / 2;
        while length > 0 {
            push(bytes[..bytes.len() - length].to_vec());
            length /= 2;
        }
        for size in [16, 4, 1] {
            for start in (0..bytes.len()).step_by(size) {
                let end = (start + size).min(bytes.len());
                if bytes[start..end].iter().any(|byte| *byte != 0) {
                    let mut plainer = bytes.clone();
                    plainer[start..end].fill(0);
                    push(plainer);
                }
            }
        }
    }
    all
}
