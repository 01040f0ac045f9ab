//! The registry of this crate's codes: E02xx names and layers, E03xx numbers and indexes, E04xx sets, files and
//! definitions, E05xx what the windivert dialect lacks, W01xx and W02xx lints, N04xx notes. E01xx are the grammar's. A code is
//! never reused for another meaning.

use crate::lint;

/// What is known of one code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// `E0201` or the like.
    pub code: &'static str,
    /// A few words with hyphens.
    pub name: &'static str,
    /// What it means, with an example.
    pub explanation: &'static str,
}

/// What the registry says of `code`.
#[must_use]
pub fn find(code: &str) -> Option<&'static Code> {
    let lints = || lint::LINTS.iter().map(|info| &info.about);
    CODES.iter().chain(lints()).find(|entry| entry.code == code)
}

pub(crate) const UNKNOWN_NAME: &str = "E0201";
pub(crate) const OTHER_LAYER: &str = "E0202";
pub(crate) const MACRO_LAYER: &str = "E0203";
pub(crate) const CONSTANT_AS_FIELD: &str = "E0204";
pub(crate) const FIELD_AS_CONSTANT: &str = "E0205";
pub(crate) const UNKNOWN_LAYER: &str = "E0206";
pub(crate) const LAYER_CONFLICT: &str = "E0207";
pub(crate) const LAYER_LATE: &str = "E0208";
pub(crate) const NUMBER_TOO_LARGE: &str = "E0301";
pub(crate) const BAD_NUMBER: &str = "E0302";
pub(crate) const BAD_IPV4: &str = "E0303";
pub(crate) const BAD_IPV6: &str = "E0304";
pub(crate) const COLON_IN_WORD: &str = "E0305";
pub(crate) const BYTE_SUFFIX: &str = "E0306";
pub(crate) const MISSING_INDEX: &str = "E0307";
pub(crate) const STRAY_INDEX: &str = "E0308";
pub(crate) const INDEX_NOT_INTEGER: &str = "E0309";
pub(crate) const INDEX_BOUNDS: &str = "E0310";
pub(crate) const MASK_FIELD: &str = "E0311";
pub(crate) const BAD_MASK: &str = "E0312";
pub(crate) const BYTES_FIELD: &str = "E0313";
pub(crate) const BYTES_OPERATOR: &str = "E0314";
pub(crate) const BYTES_LENGTH: &str = "E0315";
pub(crate) const BYTES_BOUNDS: &str = "E0316";
pub(crate) const EMPTY_SET: &str = "E0401";
pub(crate) const REVERSED_RANGE: &str = "E0402";
pub(crate) const SUBNET_BASE: &str = "E0403";
pub(crate) const SUBNET_PREFIX: &str = "E0404";
pub(crate) const SUBNET_HOST_BITS: &str = "E0405";
pub(crate) const SUBNET_FIELD: &str = "E0406";
pub(crate) const SET_TOO_LARGE: &str = "E0407";
pub(crate) const FILE_UNREADABLE: &str = "E0408";
pub(crate) const FILE_ENTRY: &str = "E0409";
pub(crate) const EMPTY_FILE: &str = "E0410";
pub(crate) const DUPLICATE: &str = "E0421";
pub(crate) const RESERVED: &str = "E0422";
pub(crate) const USED_EARLY: &str = "E0423";
pub(crate) const CIRCULAR: &str = "E0424";
pub(crate) const WRONG_KIND: &str = "E0425";
pub(crate) const TOO_DEEP: &str = "E0426";
pub(crate) const TOO_MANY_TESTS: &str = "E0427";
pub(crate) const PLAIN_COMMENT: &str = "E0501";
pub(crate) const PLAIN_NEGATED_GROUP: &str = "E0502";
pub(crate) const PLAIN_SET: &str = "E0503";
pub(crate) const PLAIN_MASK: &str = "E0504";
pub(crate) const PLAIN_BYTES: &str = "E0505";
pub(crate) const PLAIN_LET: &str = "E0506";
pub(crate) const PLAIN_LAYER: &str = "E0507";
pub(crate) const PLAIN_MARK: &str = "E0508";
pub(crate) const UNUSED: &str = "W0101";
pub(crate) const CERTAIN: &str = "W0102";
pub(crate) const ALWAYS_TRUE: &str = "W0201";
pub(crate) const ALWAYS_FALSE: &str = "W0202";
pub(crate) const UNREACHABLE: &str = "W0203";
pub(crate) const DUPLICATE_OPERAND: &str = "W0204";
pub(crate) const SUBSUMED: &str = "W0205";
pub(crate) const IMPLIED_PRESENCE: &str = "W0206";
pub(crate) const COVERS_ALL: &str = "W0207";
pub(crate) const EQUAL_ARMS: &str = "W0208";
pub(crate) const EVERYTHING: &str = "W0209";
pub(crate) const NOTHING: &str = "W0210";
pub(crate) const IDLE_OPERAND: &str = "W0211";
pub(crate) const NEGATED_TEST: &str = "W0221";
pub(crate) const ONE_IP_VERSION: &str = "W0222";
pub(crate) const MISSES_FRAGMENTS: &str = "W0223";
pub(crate) const CONSTANT_FIELD: &str = "W0231";
pub(crate) const IMPOSSIBLE_MASK: &str = "W0232";
pub(crate) const OVERLAPPING: &str = "W0233";
pub(crate) const ENTRY_RANGE: &str = "W0234";
pub(crate) const MIXED: &str = "W0241";
pub(crate) const OVER_LIMIT: &str = "W0251";
pub(crate) const NO_GUARD: &str = "W0252";
pub(crate) const FOLD_FALSE: &str = "W0261";
pub(crate) const FOLD_TRUE: &str = "W0262";
pub(crate) const TRUNCATED: &str = "W0263";
pub(crate) const NEGATIVE_ZERO: &str = "W0264";
pub(crate) const FLOW_LABEL: &str = "W0265";
pub(crate) const IP_AT_FLOW: &str = "W0266";
pub(crate) const UNKNOWN_LINT: &str = "W0299";
pub(crate) const MERGED: &str = "N0401";

/// All codes of this crate but those of the lints, which are in [`lint::LINTS`].
#[rustfmt::skip]
pub const CODES: &[Code] = &[
    Code { code: UNKNOWN_NAME, name: "unknown-name", explanation: "A word is no field, macro or definition. Names are case-sensitive: `tcp.dstport` is written `tcp.DstPort`." },
    Code { code: OTHER_LAYER, name: "field-of-another-layer", explanation: "A field cannot be tested at the filter's layer. `processId` at NETWORK is such a field: packets are not tied to a process there, flows and sockets are." },
    Code { code: MACRO_LAYER, name: "macro-of-another-layer", explanation: "A macro has no meaning at the filter's layer: `event == CONNECT` at NETWORK, where the only event is PACKET." },
    Code { code: CONSTANT_AS_FIELD, name: "constant-as-field", explanation: "A constant stands where a field is needed: `TCP == 1`. The macro `TCP` is the number 6; the field is `tcp`." },
    Code { code: FIELD_AS_CONSTANT, name: "field-as-constant", explanation: "A field stands on the right of a comparison: `tcp.SrcPort == tcp.DstPort`. Fields are compared with constants only." },
    Code { code: UNKNOWN_LAYER, name: "unknown-layer", explanation: "`layer …;` names no layer. The layers are NETWORK, NETWORK_FORWARD, FLOW, SOCKET and REFLECT." },
    Code { code: LAYER_CONFLICT, name: "layer-conflict", explanation: "The layer is given twice with different answers: by `layer …;` and by the caller, or by two statements." },
    Code { code: LAYER_LATE, name: "late-layer", explanation: "`layer …;` stands behind a definition. It comes first, because what follows depends on it." },
    Code { code: NUMBER_TOO_LARGE, name: "number-too-large", explanation: "A number is over 2¹²⁸ − 1, the largest value of any field." },
    Code { code: BAD_NUMBER, name: "bad-number", explanation: "A word begins like a number and is none: `0x`, `1_000`, `80x`. Numbers are decimal, hexadecimal with `0x`, or addresses." },
    Code { code: BAD_IPV4, name: "bad-ipv4", explanation: "An IPv4 address is not four numbers from 0 to 255: `10.0.0.256`, `10.0.1`." },
    Code { code: BAD_IPV6, name: "bad-ipv6", explanation: "An IPv6 address is malformed: `1::2::3`, `fe80:::`, nine groups." },
    Code { code: COLON_IN_WORD, name: "colon-in-word", explanation: "A colon sticks to the words around it, as it does in `fe80::1`. In `(tcp? ip:udp)` the word is `ip:udp`; write `(tcp? ip : udp)`." },
    Code { code: BYTE_SUFFIX, name: "byte-suffix", explanation: "A number ends in `b` outside an index: `tcp.DstPort == 80b`. The suffix makes an index count bytes: `packet16[5b]`." },
    Code { code: MISSING_INDEX, name: "missing-index", explanation: "An array field has no index: `packet == 69`. Write `packet[0] == 69`." },
    Code { code: STRAY_INDEX, name: "stray-index", explanation: "A field that is no array has an index: `tcp.DstPort[0]`." },
    Code { code: INDEX_NOT_INTEGER, name: "index-not-integer", explanation: "An index is no integer: `packet[TCP]`, `packet[10.0.0.1]`." },
    Code { code: INDEX_BOUNDS, name: "index-out-of-bounds", explanation: "An index is beyond every packet: `packet[65535]`, `packet32[-1b]`. Byte offsets go from 0 to 65535 less the element's width, and from the width to 65535 when counted from the end." },
    Code { code: MASK_FIELD, name: "mask-on-signed-field", explanation: "A mask is applied to `timestamp` or `priority`, which can be negative and so have no bits to speak of." },
    Code { code: BAD_MASK, name: "bad-mask", explanation: "A mask is negative, or is no address where the field is one: `ip.SrcAddr & 0xffffffffff == 1`." },
    Code { code: BYTES_FIELD, name: "byte-string-field", explanation: "A byte string is compared with a field that has no single bytes: `tcp.DstPort == \"GET\"`. `packet`, `tcp.Payload` and `udp.Payload` have." },
    Code { code: BYTES_OPERATOR, name: "byte-string-operator", explanation: "Byte strings are equal or not; they have no order: `tcp.Payload[0] < \"GET\"`. Nor can they be masked." },
    Code { code: BYTES_LENGTH, name: "byte-string-length", explanation: "A byte string is empty, or longer than 1024 bytes." },
    Code { code: BYTES_BOUNDS, name: "byte-string-bounds", explanation: "A byte string runs past the end: `tcp.Payload[-2] == \"GET\"` has two bytes left for three." },
    Code { code: EMPTY_SET, name: "empty-set", explanation: "A set has no entry: `tcp.DstPort in {}`. Nothing is in it; write `false`." },
    Code { code: REVERSED_RANGE, name: "reversed-range", explanation: "A range ends before it begins: `90..80`." },
    Code { code: SUBNET_BASE, name: "subnet-of-no-address", explanation: "The left side of a subnet is no address: `80/8`." },
    Code { code: SUBNET_PREFIX, name: "subnet-prefix", explanation: "The prefix length is over 32 (IPv4) or 128 (IPv6), or no decimal number: `10.0.0.0/33`, `10.0.0.0/255.0.0.0`." },
    Code { code: SUBNET_HOST_BITS, name: "subnet-host-bits", explanation: "The address of a subnet has bits set behind the prefix: `10.0.0.1/8`. Either the subnet is `10.0.0.0/8`, or the address alone is meant." },
    Code { code: SUBNET_FIELD, name: "subnet-on-field", explanation: "A subnet is compared with a field that cannot be in one: `tcp.DstPort in 10.0.0.0/8`, `ip.SrcAddr in fe80::/10`." },
    Code { code: SET_TOO_LARGE, name: "set-too-large", explanation: "A set has more intervals than a program can hold." },
    Code { code: FILE_UNREADABLE, name: "file-unreadable", explanation: "A set file cannot be read. Its path is relative to the filter file." },
    Code { code: FILE_ENTRY, name: "bad-file-entry", explanation: "A line of a set file is no value, range or subnet." },
    Code { code: EMPTY_FILE, name: "empty-file", explanation: "A set file has no entry." },
    Code { code: DUPLICATE, name: "duplicate-definition", explanation: "A name is defined twice." },
    Code { code: RESERVED, name: "reserved-name", explanation: "A definition takes the name of a field or macro: `let tcp = …;`. Filters would read differently at other layers." },
    Code { code: USED_EARLY, name: "use-before-definition", explanation: "A definition is used before its `let`. Move the definition up." },
    Code { code: CIRCULAR, name: "circular-definition", explanation: "Definitions use each other in a circle, so none of them has a meaning: `let a = b; let b = a;`." },
    Code { code: WRONG_KIND, name: "wrong-kind-of-definition", explanation: "A definition is used as what it is not: a set as a filter, a filter as a number." },
    Code { code: TOO_DEEP, name: "definitions-too-deep", explanation: "With its definitions put in their places the filter is nested too deeply." },
    Code { code: TOO_MANY_TESTS, name: "too-many-tests", explanation: "With its definitions put in their places the filter has too many tests." },
    Code { code: PLAIN_COMMENT, name: "comment-in-windivert", explanation: "WinDivert's language has no comments." },
    Code { code: PLAIN_NEGATED_GROUP, name: "negated-group-in-windivert", explanation: "WinDivert's `not` stands before a test only. `not (a or b)` is written `(a or b? false: true)`." },
    Code { code: PLAIN_SET, name: "set-in-windivert", explanation: "WinDivert's language has no `in`. `f in {1, 2}` is written `(f == 1 or f == 2)`, `f in 1..5` is `(f >= 1 and f <= 5)`." },
    Code { code: PLAIN_MASK, name: "mask-in-windivert", explanation: "WinDivert's language has no masks." },
    Code { code: PLAIN_BYTES, name: "byte-string-in-windivert", explanation: "WinDivert's language has no byte strings. `tcp.Payload[0] == \"GET \"` is written `tcp.Payload32[0b] == 0x47455420`." },
    Code { code: PLAIN_LET, name: "definition-in-windivert", explanation: "WinDivert's language has no definitions. Write what the name stands for in its place." },
    Code { code: PLAIN_LAYER, name: "layer-in-windivert", explanation: "WinDivert's language has no layer statement; the layer is given when a handle is opened." },
    Code { code: PLAIN_MARK, name: "byte-order-mark-in-windivert", explanation: "WinDivert's language has no byte order mark. Save the text without one." },
    Code { code: MERGED, name: "merged-entries", explanation: "Entries of a set file overlap or touch; they became one interval." },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_are_unique_and_explained() {
        for (position, entry) in CODES.iter().enumerate() {
            assert!(
                CODES
                    .iter()
                    .skip(position + 1)
                    .all(|other| other.code != entry.code && other.name != entry.name)
            );
            assert!(entry.explanation.ends_with('.'), "{}", entry.code);
            assert_eq!(find(entry.code), Some(entry));
            assert!(divert_grammar::codes::CODES.iter().all(|(code, _, _)| *code != entry.code));
        }
    }
}
