//! Event files as a stream of lines.

use std::io::{BufRead, Read as _};

use super::form;
use super::{BadEvent, Described};

/// Longest line in bytes. The largest packet takes 131,150 of them; the rest is for what else the line may say.
const MAX_LINE: u64 = 4 << 20;

/// Reads events, one line at a time; memory does not grow with the file.
pub(crate) struct EventReader<R> {
    source: R,
    line: Vec<u8>,
    packet: Vec<u8>,
    number: u64,
    records: u64,
}

/// A line that is not empty.
pub(crate) struct Line<'a> {
    /// Its number, from 1.
    pub(crate) number: u64,
    /// 0-based number among the events.
    pub(crate) index: u64,
    /// The line as it stands, with its end where it has one.
    pub(crate) raw: &'a [u8],
    /// The packet of the event, if it has one.
    pub(crate) packet: &'a [u8],
    /// The event.
    pub(crate) event: Result<Described, BadEvent>,
}

impl<R: BufRead> EventReader<R> {
    /// A reader of `source`.
    pub(crate) const fn new(source: R) -> Self {
        Self { source, line: Vec::new(), packet: Vec::new(), number: 0, records: 0 }
    }

    /// The next line with something on it.
    ///
    /// # Errors
    /// If the source cannot be read.
    pub(crate) fn next(&mut self) -> std::io::Result<Option<Line<'_>>> {
        loop {
            self.line.clear();
            let read = (&mut self.source).take(MAX_LINE).read_until(b'\n', &mut self.line)?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            let too_long = read as u64 == MAX_LINE && !self.line.ends_with(b"\n");
            if too_long {
                self.skip_line()?;
            }
            let bytes = if self.number == 1 {
                self.line.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(&self.line)
            } else {
                &self.line
            };
            if bytes.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let event = if too_long {
                Err(BadEvent(format!("the line is longer than {MAX_LINE} bytes")))
            } else {
                match std::str::from_utf8(bytes) {
                    Ok(text) => form::read(text, &mut self.packet),
                    Err(_) => Err(BadEvent("the line is not UTF-8 text".to_owned())),
                }
            };
            let index = self.records;
            self.records += u64::from(event.is_ok());
            let (number, raw, packet) = (self.number, self.line.as_slice(), self.packet.as_slice());
            return Ok(Some(Line { number, index, raw, packet, event }));
        }
    }

    fn skip_line(&mut self) -> std::io::Result<()> {
        loop {
            let buffer = self.source.fill_buf()?;
            let length = buffer.len();
            if let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
                self.source.consume(end + 1);
                return Ok(());
            }
            if length == 0 {
                return Ok(());
            }
            self.source.consume(length);
        }
    }
}

#[cfg(test)]
mod tests {
    use divert_vm::layer::{Event, Layer};

    use super::*;

    type Found = Result<(Layer, Event, Option<bool>), String>;

    fn all(text: &str) -> Vec<Found> {
        let mut reader = EventReader::new(text.as_bytes());
        let mut found = Vec::new();
        while let Some(line) = reader.next().unwrap() {
            found.push(match line.event {
                Ok(event) => Ok((
                    event.layer(),
                    event.event(),
                    event.judge(line.packet, |input| input.is_ipv6().unwrap_or(false)),
                )),
                Err(error) => Err(format!("{}: {error}", line.number)),
            });
        }
        found
    }

    fn one(text: &str) -> Found {
        all(text).remove(0)
    }

    const PACKET: &str = "4500001400000000403b00000a0000010a000002";

    /// The table of keys in the manual: an event with those that are needed is one, and without any of them it is none.
    #[test]
    fn keys_that_are_needed() {
        let endpoint = r#""localAddr":"::1","remoteAddr":"::2""#;
        let whole = |name: &str, event: &str, inner: &str| {
            format!(r#"{{"addr":{{"layer":"{name}","event":{event},"{name}":{{{inner}}}}}}}"#)
        };
        for line in [
            whole("flow", "1", endpoint),
            whole("socket", "3", endpoint),
            whole("reflect", "8", r#""layer":0"#),
        ] {
            assert!(one(&line).is_ok(), "{line}");
            for key in ["addr", "layer", "event", "flow", "socket", "reflect", "localAddr", "remoteAddr"] {
                let other = line.replacen(&format!(r#""{key}":"#), r#""note":"#, 1);
                assert!(other == line || one(&other).is_err(), "{other}");
                let last = line.rfind(r#""layer""#).unwrap();
                let inner = format!("{}{}", &line[..last], line[last..].replace("layer", "note"));
                assert!(inner == line || one(&inner).is_err(), "{inner}");
            }
        }
        assert!(one(r#"{"addr":{"layer":0}}"#).is_ok());
        assert!(one(r#"{"packet":"","addr":{}}"#).is_err());
    }

    #[test]
    fn layers_and_events_by_number_and_name() {
        let endpoint = r#"{"localAddr":"10.0.0.1","remoteAddr":[1,0,0,0]}"#;
        for (addr, layer, event) in [
            (format!(r#"{{"layer":2,"event":1,"flow":{endpoint}}}"#), Layer::Flow, Event::FlowEstablished),
            (
                format!(r#"{{"layer":"socket","event":"close","socket":{endpoint}}}"#),
                Layer::Socket,
                Event::SocketClose,
            ),
            (
                r#"{"layer":"REFLECT","event":"OPEN","reflect":{"layer":"forward"}}"#.into(),
                Layer::Reflect,
                Event::ReflectOpen,
            ),
        ] {
            let found = one(&format!(r#"{{"packet":null,"addr":{addr},"match":true}}"#));
            assert_eq!(found, Ok((layer, event, Some(false))), "{addr}");
        }
        assert_eq!(
            one(&format!(r#"{{"packet":"{PACKET}","addr":{{"layer":"NETWORK_FORWARD"}}}}"#)),
            Ok((Layer::Forward, Event::Packet, Some(false)))
        );
    }

    #[test]
    fn what_does_not_fit_its_address_is_nothing() {
        for line in [
            format!(r#"{{"packet":"{PACKET}","addr":{{"layer":0,"ipv6":true}}}}"#),
            r#"{"packet":"45","addr":{"layer":0}}"#.into(),
            r#"{"packet":null,"addr":{"layer":0}}"#.into(),
            r#"{"packet":"45","addr":{"layer":2,"event":1,"flow":{"localAddr":"::1","remoteAddr":"::1"}}}"#
                .into(),
        ] {
            assert_eq!(one(&line).map(|(_, _, judged)| judged), Ok(None), "{line}");
        }
    }

    #[test]
    fn bad_lines_are_named_and_passed_over() {
        let text = format!("\u{FEFF}\n{{\n\n{{\"packet\":\"{PACKET}\",\"addr\":{{\"layer\":0}}}}\r\n[]");
        let found = all(&text);
        assert!(found[0].as_ref().is_err_and(|error| error.starts_with("2: it is cut short")), "{found:?}");
        assert!(
            found[1].is_ok() && found[2].as_ref().is_err_and(|error| error.starts_with("5: ")),
            "{found:?}"
        );
        for (line, problem) in [
            (r#"{"addr":{"layer":5}}"#, "there is no layer 5"),
            (r#"{"addr":{"layer":0,"event":3}}"#, "there is no event 3 at NETWORK"),
            (r#"{"addr":{"layer":"FLOW"}}"#, "has several"),
            (r#"{"addr":{"layer":0,"ifidx":3}}"#, "unknown field `ifidx`"),
            (
                r#"{"addr":{"layer":0,"flow":{"localAddr":"::","remoteAddr":"::"}}}"#,
                "an event at NETWORK has no `flow`",
            ),
            (r#"{"addr":{"layer":3,"event":3}}"#, "an event at SOCKET needs a `socket`"),
            (r#"{"packet":"4","addr":{"layer":0}}"#, "odd number"),
            (r#"{"packet":"4g","addr":{"layer":0}}"#, "not hexadecimal at byte 0"),
            (
                r#"{"addr":{"layer":2,"event":1,"flow":{"localAddr":[1,2,3],"remoteAddr":"::"}}}"#,
                "four 32-bit words",
            ),
            (
                r#"{"addr":{"layer":2,"event":1,"flow":{"localAddr":"1.2.3","remoteAddr":"::"}}}"#,
                "an address as text",
            ),
        ] {
            let found = one(line);
            assert!(found.as_ref().is_err_and(|error| error.contains(problem)), "{line}: {found:?}");
        }
    }
}
