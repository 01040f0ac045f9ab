//! The lints: code, name, default level, what each is about, a filter that it speaks of and a better one.

use crate::codes::{self, Code};

/// What happens when a lint finds something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Nothing is said.
    Allow,
    /// It is a warning.
    Warn,
    /// It is an error, and the check fails.
    Deny,
}

impl Level {
    /// `allow`, `warn` or `deny`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Warn => "warn",
            Self::Deny => "deny",
        }
    }
}

/// A lint, in the order of [`LINTS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the table below says what each is about")]
pub enum Lint {
    UnusedDefinition,
    CertainComparison,
    AlwaysTrue,
    AlwaysFalse,
    UnreachableOperand,
    DuplicateOperand,
    SubsumedOperand,
    ImpliedPresence,
    CoversAllValues,
    EqualArms,
    MatchesEverything,
    MatchesNothing,
    IdleOperand,
    NegatedTest,
    OneIpVersion,
    MissesFragments,
    ConstantField,
    ImpossibleMask,
    OverlappingEntries,
    EntryOutOfRange,
    MixedAndOr,
    OverDriverLimit,
    NoImpostorGuard,
    FoldFalse,
    FoldTrue,
    ConstantTruncated,
    NegativeZero,
    FlowLabel,
    IpAtFlowSocket,
    UnknownLint,
}

impl Lint {
    /// Its row of the table.
    #[must_use]
    pub fn info(self) -> Option<&'static Info> {
        LINTS.get(self as usize)
    }

    /// The lint with this code or name.
    #[must_use]
    pub fn find(word: &str) -> Option<Self> {
        LINTS.iter().find(|info| info.about.code == word || info.about.name == word).map(|info| info.lint)
    }
}

/// What is known of a lint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// The lint.
    pub lint: Lint,
    /// Code, name and explanation.
    pub about: Code,
    /// What happens unless somebody says otherwise.
    pub level: Level,
    /// A filter that the lint speaks of.
    pub example: &'static str,
    /// What is better, where there is one answer.
    pub better: Option<&'static str>,
}

const fn row(
    lint: Lint,
    code: &'static str,
    name: &'static str,
    level: Level,
    (example, better): (&'static str, Option<&'static str>),
    explanation: &'static str,
) -> Info {
    Info { lint, about: Code { code, name, explanation }, level, example, better }
}

use Level::{Allow, Warn};

/// All lints, by code.
#[rustfmt::skip]
pub const LINTS: &[Info] = &[
    row(Lint::UnusedDefinition, codes::UNUSED, "unused-definition", Warn,
        ("let web = {80, 443}; tcp", Some("tcp")),
        "A definition is not used. It may be a slip of the pen where it was meant to be."),
    row(Lint::CertainComparison, codes::CERTAIN, "certain-comparison", Warn,
        ("ip.TTL < 256", Some("ip")),
        "A comparison with a constant outside the field's range: `tcp.DstPort == 70000` is never true, `ip.TTL < 256` is true whenever there is an IPv4 header. Constants are numbers without a width, so nothing wraps."),
    row(Lint::AlwaysTrue, codes::ALWAYS_TRUE, "always-true", Warn,
        ("udp.DstPort == 53 or (tcp or not tcp)", None),
        "Part of a filter is true for everything that gets there, and its place makes that matter: what follows is never looked at, or what came before does not count."),
    row(Lint::AlwaysFalse, codes::ALWAYS_FALSE, "always-false", Warn,
        ("outbound and tcp and inbound", None),
        "Part of a filter is true for nothing that gets there. Often `or` was meant: a packet has one port of each kind, one direction, one IP version and one protocol."),
    row(Lint::UnreachableOperand, codes::UNREACHABLE, "unreachable-operand", Warn,
        ("tcp and (true or ip.Id == 1)", None),
        "Part of a filter is never looked at, because `true` or `false` before it decides already."),
    row(Lint::DuplicateOperand, codes::DUPLICATE_OPERAND, "duplicate-operand", Warn,
        ("tcp.DstPort == 80 or tcp.DstPort == 443 or tcp.DstPort == 80", Some("tcp.DstPort == 80 or tcp.DstPort == 443")),
        "The same stands twice in one chain of `and` or `or`. Once a different field or constant was meant, or it can go."),
    row(Lint::SubsumedOperand, codes::SUBSUMED, "subsumed-operand", Warn,
        ("tcp.PayloadLength > 3 and tcp.PayloadLength > 5", Some("tcp.PayloadLength > 5")),
        "A part of a chain adds nothing to the rest: of two bounds the tighter one decides under `and`, the looser one under `or`."),
    row(Lint::ImpliedPresence, codes::IMPLIED_PRESENCE, "implied-presence", Allow,
        ("tcp.DstPort == 80 and tcp", Some("tcp.DstPort == 80")),
        "A test only asks for something that is certain there: for a header that a test before it needs (`tcp.DstPort == 80` is false without TCP), for either of two that exclude each other (`ip or ipv6`), or for a bound that every value keeps (`tcp.DstPort >= 0`). Many write such tests for clarity, so this lint is off by default."),
    row(Lint::CoversAllValues, codes::COVERS_ALL, "covers-all-values", Warn,
        ("tcp.DstPort != 22 or tcp.DstPort != 3389", Some("tcp.DstPort != 22 and tcp.DstPort != 3389")),
        "Alternatives cover every value of a field: `f != a or f != b` is true wherever `f` exists, because no value equals both. For \"neither\" write `and`, or `not in {a, b}`."),
    row(Lint::EqualArms, codes::EQUAL_ARMS, "equal-arms", Warn,
        ("(tcp? outbound: outbound)", Some("outbound")),
        "Both arms of a conditional mean the same, so its condition does not matter."),
    row(Lint::MatchesEverything, codes::EVERYTHING, "matches-everything", Warn,
        ("tcp or not tcp", Some("true")),
        "The filter matches every packet or event of its layer. A diverting handle would take all traffic. Where that is meant, `true` says so, and nothing is reported."),
    row(Lint::MatchesNothing, codes::NOTHING, "matches-nothing", Warn,
        ("tcp and udp", Some("false")),
        "The filter matches nothing at all. Where that is meant, as for a handle that only sends, `false` says so, and nothing is reported."),
    row(Lint::IdleOperand, codes::IDLE_OPERAND, "idle-operand", Allow,
        ("tcp.PayloadLength > 5 and tcp.Payload[5] == 1", Some("tcp.Payload[5] == 1")),
        "Proved: without this part the filter matches exactly the same. Many such parts are guards for readers (`tcp.PayloadLength > 5` before a test on byte 5), so this lint is off by default; others show that something else was meant. Only small filters are asked about."),
    row(Lint::NegatedTest, codes::NEGATED_TEST, "negated-test", Warn,
        ("outbound and not tcp.DstPort == 443", Some("outbound and not (tcp.DstPort == 443)")),
        "`not` before a test turns its operator around, and a test on a field that is not there is false either way: `not tcp.DstPort == 443` matches no UDP packet. `not (tcp.DstPort == 443)` is the complement and does. Reported only where such packets reach the test. Write the operator (`!=`) or the parentheses to say which is meant."),
    row(Lint::OneIpVersion, codes::ONE_IP_VERSION, "one-ip-version", Warn,
        ("outbound and ip.DstAddr != 1.2.3.4", Some("outbound and not (ip.DstAddr == 1.2.3.4)")),
        "An exception for addresses of one IP version leaves the other version out: `ip.DstAddr != 1.2.3.4` is false for every IPv6 packet. Write `not (ip.DstAddr == 1.2.3.4)` to keep those packets, or add `ip` to say that only IPv4 is meant."),
    row(Lint::MissesFragments, codes::MISSES_FRAGMENTS, "misses-fragments", Allow,
        ("udp.DstPort == 53", Some("udp.DstPort == 53 or fragment")),
        "Only the first fragment of a packet has a TCP, UDP or ICMP header, so a filter that tests those never sees later fragments. Where it is meant to block, they slip through; dropping the first one usually spoils the rest, so this lint is off by default. `or fragment` takes them all."),
    row(Lint::ConstantField, codes::CONSTANT_FIELD, "constant-field", Warn,
        ("tcp and event == PACKET", Some("tcp")),
        "A field has only one value at this layer: at NETWORK and NETWORK_FORWARD `event` is always PACKET."),
    row(Lint::ImpossibleMask, codes::IMPOSSIBLE_MASK, "impossible-mask", Warn,
        ("ip.TOS & 0x0f == 0x10", Some("ip.TOS & 0xf0 == 0x10")),
        "A mask clears bits that the constant has, so the two can never be equal."),
    row(Lint::OverlappingEntries, codes::OVERLAPPING, "overlapping-entries", Warn,
        ("ip.DstAddr in {10.0.0.0/8, 10.1.0.0/16}", Some("ip.DstAddr in {10.0.0.0/8}")),
        "Entries of one set overlap. The set is their union, so nothing is wrong, but perhaps another entry was meant. Entries of set files are merged with a note only."),
    row(Lint::EntryOutOfRange, codes::ENTRY_RANGE, "entry-out-of-range", Warn,
        ("tcp.DstPort in {80, 80443}", Some("tcp.DstPort in {80}")),
        "An entry of a set is no value that the field can have."),
    row(Lint::MixedAndOr, codes::MIXED, "mixed-and-or", Warn,
        ("udp.SrcPort == 6672 or udp.DstPort == 6672 and ip", Some("udp.SrcPort == 6672 or (udp.DstPort == 6672 and ip)")),
        "`and` and `or` stand side by side without parentheses. `and` binds tighter: `a or b and c` is `a or (b and c)`, although many who write it mean `(a or b) and c`. The fix adds the parentheses that are there already in meaning."),
    row(Lint::OverDriverLimit, codes::OVER_LIMIT, "over-driver-limit", Allow,
        ("", None),
        "The filter needs more than the 255 tests that WinDivert's driver loads. In the windivert dialect this warns, because such a text is meant for that driver; in the extended one `compile --target windivert` says so. Bytecode has no such limit."),
    row(Lint::NoImpostorGuard, codes::NO_GUARD, "no-impostor-guard", Allow,
        ("outbound and tcp", Some("not impostor and outbound and tcp")),
        "The filter matches packets that another driver, or another handle of this one, has injected. Two programs that divert and re-inject each other's packets make a loop. Off by default, because a filter that only sniffs or blocks needs no guard."),
    row(Lint::FoldFalse, codes::FOLD_FALSE, "fold-false-to-not-header", Allow,
        ("tcp.DstPort == 70000", None),
        "WinDivert 2.2 compiles a test that no value can pass to `not tcp` (or whatever header the field is in), so that it matches every packet without that header. `certain-comparison` says so in a note; this lint is for those who want only that."),
    row(Lint::FoldTrue, codes::FOLD_TRUE, "fold-true-ignores-index", Allow,
        ("packet[5000] <= 255", None),
        "WinDivert 2.2 compiles a test on an array field that every value passes without looking at the index, so that it matches packets that do not have that byte. `certain-comparison` says so in a note; this lint is for those who want only that."),
    row(Lint::ConstantTruncated, codes::TRUNCATED, "constant-truncated-to-32-bits", Allow,
        ("tcp.SeqNum == 0x100000005", None),
        "WinDivert 2.2 compares `packet32`, `tcp.SeqNum`, `tcp.AckNum`, `icmp.Body`, `icmpv6.Body`, `loopback` and `impostor` with the low 32 bits of the constant. `certain-comparison` says so in a note; this lint is for those who want only that."),
    row(Lint::NegativeZero, codes::NEGATIVE_ZERO, "negative-zero", Warn,
        ("ip.TOS == -0", Some("ip.TOS == 0")),
        "In WinDivert 2.2 `-0` lies below 0 and equals nothing, so `ip.TOS == -0` matches no IPv4 packet, and every other one. Here it is 0."),
    row(Lint::FlowLabel, codes::FLOW_LABEL, "flowlabel-byte-order", Warn,
        ("ipv6.FlowLabel == 0x12345", None),
        "WinDivert 2.2 reads `ipv6.FlowLabel` with its bytes in the wrong order: the label 0x12345 is 0x45230100 there. Only comparisons with 0 are right, however the filter was compiled. `packet32[0] & 0xfffff` is the same bits and is read rightly, where the target has masks."),
    row(Lint::IpAtFlowSocket, codes::IP_AT_FLOW, "ip-at-flow-socket", Warn,
        ("layer FLOW; ip and tcp", Some("layer FLOW; remoteAddr in ::ffff:0:0/96 and tcp")),
        "At FLOW and SOCKET WinDivert 2.2 looks for an IP header that events do not have, so `ip` and `ipv6` are always 0 there. The addresses tell: IPv4 ones lie in ::ffff:0:0/96."),
    row(Lint::UnknownLint, codes::UNKNOWN_LINT, "unknown-lint", Warn,
        ("tcp # divertc: allow(always-ture)", Some("tcp")),
        "A comment `# divertc: allow(…)` names a lint that does not exist."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_names_are_unique() {
        for (position, info) in LINTS.iter().enumerate() {
            assert_eq!(info.lint as usize, position);
            assert_eq!(info.lint.info(), Some(info));
            assert_eq!(Lint::find(info.about.code), Some(info.lint));
            assert_eq!(Lint::find(info.about.name), Some(info.lint));
            assert!(info.about.explanation.ends_with('.'), "{}", info.about.code);
            assert!(
                codes::CODES.iter().all(|code| code.code != info.about.code && code.name != info.about.name)
            );
        }
        assert!(LINTS.is_sorted_by_key(|info| info.about.code));
    }
}
