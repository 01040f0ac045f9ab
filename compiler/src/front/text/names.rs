//! The names that the language itself gives a meaning, and what to say of all others.

use std::collections::HashMap;
use std::sync::LazyLock;

use divert_grammar::diagnostic::{Applicability, Diagnostic};
use divert_grammar::span::Span;
use divert_vm::field::{FIELDS, Field, Header};
use divert_vm::layer::{Event, Layer, Layers};

use super::literal::shown;
use crate::codes;
use crate::suggest;

/// What a name means at some layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Builtin {
    /// A field of this layer.
    Field(Field),
    /// A field of other layers.
    FieldElsewhere(Field),
    /// `true` or `false`.
    Truth(bool),
    /// A macro.
    Macro(u128),
    /// A macro of other layers.
    MacroElsewhere,
}

/// The macros that mean the same at every layer.
const MACROS: [(&str, u128); 6] =
    [("TRUE", 1), ("FALSE", 0), ("TCP", 6), ("UDP", 17), ("ICMP", 1), ("ICMPV6", 58)];

static FIELD_NAMES: LazyLock<HashMap<&'static str, Field>> =
    LazyLock::new(|| FIELDS.iter().map(|info| (info.name, info.field)).collect());

/// What `word` means at `layer`; `None` for a name that the language does not know at any layer.
pub(crate) fn builtin(word: &str, layer: Layer) -> Option<Builtin> {
    if let Some(field) = FIELD_NAMES.get(word) {
        let here = field.info().layers.contains(layer);
        return Some(if here { Builtin::Field(*field) } else { Builtin::FieldElsewhere(*field) });
    }
    match word {
        "true" => return Some(Builtin::Truth(true)),
        "false" => return Some(Builtin::Truth(false)),
        _ if !word.starts_with(|first: char| first.is_ascii_uppercase()) => return None,
        _ => {}
    }
    if let Some((_, value)) = MACROS.iter().find(|(name, _)| *name == word) {
        return Some(Builtin::Macro(*value));
    }
    if let Some(event) = Event::from_name(word, layer) {
        return Some(Builtin::Macro(u128::from(event.number())));
    }
    if let (Some(named), Layer::Reflect) = (Layer::from_name(word), layer) {
        return Some(Builtin::Macro(u128::from(named.number())));
    }
    let elsewhere = Layer::from_name(word).is_some() || Event::ALL.iter().any(|event| event.name() == word);
    elsewhere.then_some(Builtin::MacroElsewhere)
}

/// The macros of `layer`.
pub(crate) fn macros(layer: Layer) -> impl Iterator<Item = &'static str> {
    let events = Event::ALL.into_iter().filter(move |event| event.happens_at(layer)).map(Event::name);
    let layers = Layer::ALL.into_iter().filter(move |_| layer == Layer::Reflect).map(Layer::name);
    MACROS.into_iter().map(|(name, _)| name).chain(events).chain(layers)
}

/// Where a name stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Where a field or a definition of a filter is needed.
    Field,
    /// Where a constant is needed.
    Constant,
    /// Somewhere in a text that does not parse.
    Unclear,
}

/// Nobody knows the name.
#[cold]
pub(crate) fn unknown<'d>(
    word: &str,
    span: Span,
    place: Place,
    layer: Layer,
    defined: impl Iterator<Item = &'d str>,
) -> Diagnostic {
    let thing = match place {
        Place::Field => "field",
        Place::Constant => "constant",
        Place::Unclear => "name",
    };
    let mut found =
        Diagnostic::error(codes::UNKNOWN_NAME, format!("unknown {thing} `{}`", shown(word)), span);
    let mut names: Vec<&str> = suggest::similar(word, defined);
    match place {
        Place::Constant => names.extend(suggest::similar(word, macros(layer))),
        Place::Field => names.extend(suggest::field(word, layer)),
        Place::Unclear => {
            names.extend(suggest::field(word, layer));
            names.extend(suggest::similar(word, macros(layer)));
        }
    }
    names.dedup();
    if place != Place::Field
        && let Some(port) = suggest::service(word)
    {
        return found.label("names of services are not looked up").suggest(
            format!("write `{port}`"),
            span,
            port.to_string(),
            Applicability::MaybeIncorrect,
        );
    }
    if word == "FORWARD" && layer == Layer::Reflect {
        names.insert(0, Layer::Forward.name());
    }
    if word == "b" {
        return found
            .label("a `b` of its own means nothing")
            .help("`b` directly behind an index makes it count bytes: `packet16[5b]`");
    }
    found.primary.message = match names.as_slice() {
        [] => "not found at any layer".to_owned(),
        [one] if one.eq_ignore_ascii_case(word) => format!("names are case-sensitive: `{one}`"),
        [one] => format!("did you mean `{one}`?"),
        [first, rest @ ..] => {
            let more: String = rest.iter().map(|name| format!(" or `{name}`")).collect();
            format!("did you mean `{first}`{more}?")
        }
    };
    for name in &names {
        found = found.suggest(format!("write `{name}`"), span, *name, Applicability::MaybeIncorrect);
    }
    if place != Place::Field && word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let right = format!("0x{word}");
        found = found.suggest(
            format!("write `{right}` for a hexadecimal number"),
            span,
            right,
            Applicability::MaybeIncorrect,
        );
    }
    if place == Place::Constant && names.is_empty() {
        let known: Vec<String> = macros(layer).map(|name| format!("`{name}`")).collect();
        found = found.help(format!(
            "constants are numbers, addresses and, at {}, {}",
            layer.name(),
            known.join(", ")
        ));
        if word.eq_ignore_ascii_case("localhost") {
            found = found.help("names of hosts are not looked up; `loopback` tests for loopback traffic");
        }
    }
    found
}

/// The field exists, but not here.
#[cold]
pub(crate) fn elsewhere(field: Field, span: Span, layer: Layer) -> Diagnostic {
    let info = field.info();
    let message = format!("`{}` cannot be tested at layer {}", info.name, layer.name());
    let mut found = Diagnostic::error(codes::OTHER_LAYER, message, span)
        .label(format!("valid at {}", list(info.layers)))
        .note(format!("`{}`: {}", info.name, info.doc));
    for help in instead(field, layer) {
        found = found.help(help);
    }
    found
}

/// What to do without a field that the layer does not have.
fn instead(field: Field, layer: Layer) -> Vec<&'static str> {
    let header = field.info().header;
    match (layer, field) {
        (Layer::Network | Layer::Forward, Field::ProcessId) => vec![
            "packets carry no process: WFP's packet layers do not say which process a packet belongs to",
            "use a FLOW or SOCKET handle, which knows the process, and match its addresses and ports here",
        ],
        (Layer::Network | Layer::Forward, Field::EndpointId | Field::ParentEndpointId) => {
            vec!["endpoints are known at FLOW and SOCKET only; match addresses and ports here"]
        }
        (Layer::Forward, Field::Inbound | Field::Outbound) => {
            vec!["forwarded packets are neither inbound nor outbound; `ifIdx` tells the interface"]
        }
        (Layer::Forward, Field::LocalAddr | Field::RemoteAddr) => {
            vec![
                "forwarded packets have no local end; use `ip.SrcAddr`, `ip.DstAddr`, `ipv6.SrcAddr` or `ipv6.DstAddr`",
            ]
        }
        (Layer::Forward, Field::LocalPort | Field::RemotePort) => {
            vec![
                "forwarded packets have no local end; use `tcp.SrcPort`, `tcp.DstPort`, `udp.SrcPort` or `udp.DstPort`",
            ]
        }
        (Layer::Forward, Field::Protocol) => vec!["use `ip.Protocol` or `ipv6.NextHdr`"],
        (Layer::Reflect, _) => vec![
            "REFLECT sees handles being opened and closed, not traffic",
            "its fields are `processId`, `layer`, `priority`, `event` and `timestamp`",
        ],
        (
            Layer::Flow | Layer::Socket,
            Field::IpSrcAddr | Field::Ipv6SrcAddr | Field::IpDstAddr | Field::Ipv6DstAddr,
        ) => {
            vec!["flows and sockets have two ends: use `localAddr` and `remoteAddr`"]
        }
        (Layer::Flow | Layer::Socket, Field::TcpSrcPort | Field::TcpDstPort) => {
            vec!["flows and sockets have two ends: `tcp and remotePort == …`, `tcp and localPort == …`"]
        }
        (Layer::Flow | Layer::Socket, Field::UdpSrcPort | Field::UdpDstPort) => {
            vec!["flows and sockets have two ends: `udp and remotePort == …`, `udp and localPort == …`"]
        }
        (Layer::Flow | Layer::Socket, Field::IpProtocol | Field::Ipv6NextHdr) => vec!["use `protocol`"],
        (_, Field::Layer | Field::Priority) => {
            vec!["only the handles that REFLECT sees have a layer and a priority"]
        }
        (Layer::Flow | Layer::Socket, _) if header != Header::None || field.is_array() => {
            vec!["there is no packet at this layer; use NETWORK for what is inside of packets"]
        }
        _ => Vec::new(),
    }
}

/// The macro exists, but not here.
#[cold]
pub(crate) fn macro_elsewhere(word: &str, span: Span, layer: Layer) -> Diagnostic {
    let message = format!("`{word}` has no meaning at layer {}", layer.name());
    let found = Diagnostic::error(codes::MACRO_LAYER, message, span);
    if Layer::from_name(word).is_some() {
        return found
            .label("layers are compared at REFLECT only")
            .help("a filter sees its own layer only; there is nothing to test");
    }
    let layers: Vec<&str> = Layer::ALL
        .into_iter()
        .filter(|other| Event::from_name(word, *other).is_some())
        .map(Layer::name)
        .collect();
    let here: Vec<String> = Event::ALL
        .into_iter()
        .filter(|event| event.happens_at(layer))
        .map(|event| format!("`{}`", event.name()))
        .collect();
    found.label(format!("an event of {}", layers.join(" and "))).help(format!(
        "the events of {} are {}",
        layer.name(),
        here.join(", ")
    ))
}

/// A macro stands where a field is needed.
#[cold]
pub(crate) fn constant_as_field(word: &str, span: Span, layer: Layer) -> Diagnostic {
    let message = format!("`{word}` is a constant, not a field");
    let found = Diagnostic::error(codes::CONSTANT_AS_FIELD, message, span).label("the left side is a field");
    match suggest::field(word, layer).first() {
        Some(name) if name.eq_ignore_ascii_case(word) => {
            found.suggest(format!("write `{name}`"), span, *name, Applicability::MaybeIncorrect)
        }
        Some(_) | None if Event::ALL.iter().any(|event| event.name() == word) => {
            let right = format!("event == {word}");
            found.suggest(format!("write `{right}`"), span, right, Applicability::MaybeIncorrect)
        }
        Some(_) | None => found,
    }
}

/// A field stands where a constant is needed.
#[cold]
pub(crate) fn field_as_constant(word: &str, span: Span) -> Diagnostic {
    let message = format!("`{word}` is a field, not a constant");
    let found = Diagnostic::error(codes::FIELD_AS_CONSTANT, message, span);
    let upper = word.to_ascii_uppercase();
    if MACROS.iter().any(|(name, _)| *name == upper) {
        return found.label("the right side is a constant").suggest(
            format!("write `{upper}`"),
            span,
            upper,
            Applicability::MaybeIncorrect,
        );
    }
    found
        .label("the right side is a constant")
        .help("fields are compared with constants only, never with each other")
}

fn list(layers: Layers) -> String {
    let names: Vec<&str> = layers.iter().map(Layer::name).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        Some((last, _)) => (*last).to_owned(),
        None => "no layer".to_owned(),
    }
}
