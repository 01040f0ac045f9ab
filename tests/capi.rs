//! The helper functions of the C interface, called as C does, against what the original answered or documents.
#![allow(
    unsafe_code,
    clippy::undocumented_unsafe_blocks,
    clippy::multiple_unsafe_ops_per_block,
    reason = "the functions under test take pointers; all of these are of live values"
)]

use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr::{null, null_mut};

use WinDivert::helper::address::*;
use WinDivert::helper::filter::*;
use WinDivert::helper::order::*;
use WinDivert::helper::packet::*;
use WinDivert::{WINDIVERT_ADDRESS, last_error};
use divert_compiler::Dialect;
use divert_compiler::analysis::{Answer, Budget, equivalent};
use divert_compiler::front::object;
use divert_compiler::front::text::{Options, analyse, lower};
use divert_compiler::front::{bytecode, windivert};
use divert_compiler::graph::{Builder, Graph};
use divert_tests::vectors::{conformance, expected, layer};
use divert_vm::limits::USER_WORK;
use divert_vm::{Layer, Program};
use serde_json::{Value, json};

use crate::acceptance::{is_artefact, is_at};

fn from_hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn report(wrong: &[String], run: usize) {
    let shown = wrong.iter().take(20).cloned().collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{} of {run} differ:\n{shown}", wrong.len());
}

/// Whatever of `expected` there is, is in `answer`.
fn fits(answer: &Value, expected: &Value) -> bool {
    if let Some(choices) = expected.get("anyOf") {
        return choices.as_array().unwrap().iter().any(|choice| fits(answer, choice));
    }
    expected.as_object().unwrap().iter().all(|(key, value)| answer[key] == *value)
}

/// TRUE, or FALSE and the last error.
fn outcome(done: i32) -> Value {
    if done != 0 { json!({"ok": true}) } else { json!({"ok": false, "code": last_error::get()}) }
}

fn with(mut answer: Value, key: &str, value: Value) -> Value {
    if answer["ok"] == true {
        answer[key] = value;
    }
    answer
}

/// What was written into a buffer of that length, which has one byte more that must stay.
fn text_into(length: usize, write: impl FnOnce(*mut c_char, u32) -> i32) -> Value {
    let mut buffer = vec![0x7F_u8; length + 1];
    let answer = outcome(write(buffer.as_mut_ptr().cast(), length as u32));
    assert_eq!(buffer[length], 0x7F, "written past the end");
    let text = CStr::from_bytes_until_nul(&buffer).map_or("", |text| text.to_str().unwrap());
    with(answer, "text", json!(text))
}

fn parsed(packet: &[u8]) -> Value {
    let start = packet.as_ptr() as usize;
    let mut places = [null_mut::<c_void>(); 8];
    let (mut protocol, mut length, mut next_length) = (0_u8, 0_u32, 0_u32);
    let [ip, ipv6, icmp, icmpv6, tcp, udp, data, next] = &mut places;
    let done = unsafe {
        WinDivertHelperParsePacket(
            packet.as_ptr().cast(),
            packet.len() as u32,
            ip,
            ipv6,
            &raw mut protocol,
            icmp,
            icmpv6,
            tcp,
            udp,
            data,
            &raw mut length,
            next,
            &raw mut next_length,
        )
    };
    if done == 0 {
        return outcome(done);
    }
    let mut answer =
        json!({"ok": true, "protocol": protocol, "payloadLength": length, "nextLength": next_length});
    for (name, place) in ["ip", "ipv6", "icmp", "icmpv6", "tcp", "udp", "payload", "next"].iter().zip(places)
    {
        let optional = ["payload", "next"].contains(name);
        if !place.is_null() {
            answer[*name] = json!(place as usize - start);
        } else if optional {
            answer[*name] = Value::Null;
        }
    }
    answer
}

fn helper(case: &Value) -> Value {
    let text = || CString::new(case["text"].as_str().unwrap()).unwrap();
    let room = || case["buflen"].as_u64().map_or(64, |length| length as usize);
    let mut packet = case["packet"].as_str().map(from_hex).unwrap_or_default();
    let (start, length) = (packet.as_mut_ptr().cast::<c_void>(), packet.len() as u32);
    match case["op"].as_str().unwrap() {
        "parse" => parsed(&packet),
        "hash" => {
            let hash = unsafe { WinDivertHelperHashPacket(start, length, case["seed"].as_u64().unwrap()) };
            json!({"hash": format!("{hash:#018x}")})
        }
        "checksums" => {
            let mut address = WINDIVERT_ADDRESS::default();
            let flags = case["flags"].as_u64().unwrap();
            let done = unsafe { WinDivertHelperCalcChecksums(start, length, &raw mut address, flags) };
            let bit = |number: u8| address.0[10] >> number & 1;
            json!({"ok": done != 0, "packet": hex(&packet), "ipChecksum": bit(5), "tcpChecksum": bit(6),
                "udpChecksum": bit(7)})
        }
        "ttl" => {
            let done = unsafe { WinDivertHelperDecrementTTL(start, length) };
            json!({"ok": done != 0, "packet": hex(&packet)})
        }
        "ipv4" => {
            let (text, mut address) = (text(), 0);
            let done = unsafe { WinDivertHelperParseIPv4Address(text.as_ptr(), &raw mut address) };
            with(outcome(done), "addr", json!(address))
        }
        "ipv6" => {
            let (text, mut address) = (text(), [0; 4]);
            let done = unsafe { WinDivertHelperParseIPv6Address(text.as_ptr(), &raw mut address) };
            with(outcome(done), "addr", json!(address))
        }
        "fmt4" => {
            let address = case["addr"].as_u64().unwrap() as u32;
            text_into(room(), |to, length| unsafe { WinDivertHelperFormatIPv4Address(address, to, length) })
        }
        "fmt6" => {
            let words = case["addr"].as_array().unwrap();
            let address: [u32; 4] = std::array::from_fn(|word| words[word].as_u64().unwrap() as u32);
            text_into(room(), |to, length| unsafe {
                WinDivertHelperFormatIPv6Address(&raw const address, to, length)
            })
        }
        other => panic!("unknown operation {other}"),
    }
}

#[test]
fn helpers_answer_as_the_original_or_as_documented() {
    let (mut run, mut wrong) = (0, Vec::new());
    for case in conformance("helpers.jsonl") {
        // The object has another length; see the test of buffers.
        if case["op"] == "compile" {
            continue;
        }
        run += 1;
        let answer = helper(&case);
        if !fits(&answer, case.get("documented").unwrap_or(&case["result"])) {
            wrong.push(format!("{case}\n  ours: {answer}"));
        }
    }
    assert!(run > 900, "only {run} lines were run");
    report(&wrong, run);
}

struct Compiled {
    done: bool,
    object: String,
    error: String,
    position: u32,
}

fn compiled(filter: &str, layer: u32) -> Compiled {
    let filter = CString::new(filter).unwrap();
    let mut object = vec![0_u8; 1 << 20];
    let (mut error, mut position) = (null::<c_char>(), 7777);
    let done = unsafe {
        WinDivertHelperCompileFilter(
            filter.as_ptr(),
            layer,
            object.as_mut_ptr().cast(),
            object.len() as u32,
            &raw mut error,
            &raw mut position,
        )
    };
    let object = CStr::from_bytes_until_nul(&object).unwrap().to_str().unwrap().to_owned();
    let error = unsafe { CStr::from_ptr(error) }.to_str().unwrap().to_owned();
    Compiled { done: done != 0, object, error, position }
}

fn extended(filter: &str, layer: Layer) -> bool {
    let options = Options { layer: Some(layer), dialect: Dialect::Extended, ..Options::default() };
    analyse(filter, &options).typed.is_some()
}

#[test]
fn texts_are_accepted_as_documented_and_mistakes_are_where_they_are() {
    let (mut run, mut wider, mut wrong) = (0, 0, Vec::new());
    for line in conformance("compile.jsonl") {
        let (filter, answer) = (line["filter"].as_str().unwrap(), expected(&line));
        let Some(layer) = layer(&line["layer"]) else { continue };
        if filter.contains('\0') {
            continue;
        }
        run += 1;
        let ours = compiled(filter, u32::from(layer.number()));
        let error = answer["error"].as_str().unwrap_or("");
        let agrees = match (ours.done, answer["ok"] == true) {
            (true, true) => ours.error == "No error" && ours.position == 0,
            // An object for another layer; the original sees that when it is evaluated.
            (false, true) => filter.starts_with('@') && windivert::decode(filter, layer).is_err(),
            (true, false) if extended(filter, layer) => {
                wider += 1;
                true
            }
            (true, false) => is_artefact(filter, error),
            (false, false) if filter.starts_with('@') => ours.position == 0 && ours.error.contains("object"),
            (false, false) => {
                let place = answer["pos"].as_u64().map(|place| u32::try_from(place).unwrap());
                let span = |at| divert_grammar::span::Span::new(at, at);
                line["unstable"].is_boolean()
                    || is_artefact(filter, error)
                    || place.is_none_or(|place| is_at(filter, span(ours.position), place))
                    // The extended language sees another mistake first.
                    || plain_mistake(filter, layer) != Some(ours.position)
            }
        };
        if !agrees {
            wrong.push(format!(
                "{filter:.200} at {}: {answer}, ours {} at {}",
                layer.name(),
                ours.error,
                ours.position
            ));
        }
    }
    assert!(run > 5000, "only {run} lines");
    assert!(wider < run / 20, "{wider} of {run} are only of the extended language");
    report(&wrong, run);
}

fn plain_mistake(filter: &str, layer: Layer) -> Option<u32> {
    let options = Options { layer: Some(layer), dialect: Dialect::Windivert, ..Options::default() };
    analyse(filter, &options).diagnostics.first().map(|found| found.primary.span.start())
}

fn address(addr: &Value) -> WINDIVERT_ADDRESS {
    let mut record = [0_u8; 80];
    let number = |of: &Value, name: &str| of[name].as_u64().unwrap_or(0);
    record[..8].copy_from_slice(&addr["timestamp"].as_i64().unwrap_or(0).to_le_bytes());
    record[8] = number(addr, "layer") as u8;
    record[9] = number(addr, "event") as u8;
    for (bit, name) in ["sniffed", "outbound", "loopback", "impostor", "ipv6"].iter().enumerate() {
        record[10] |= u8::from(addr[name].as_bool().unwrap_or(false)) << bit;
    }
    let mut put = |at: usize, bytes: &[u8]| record[at..at + bytes.len()].copy_from_slice(bytes);
    let ends = [&addr["flow"], &addr["socket"]];
    if let Some(end) = ends.iter().find(|end| end.is_object()) {
        put(16, &number(end, "endpointId").to_le_bytes());
        put(24, &number(end, "parentEndpointId").to_le_bytes());
        put(32, &(number(end, "processId") as u32).to_le_bytes());
        for (at, name) in [(36, "localAddr"), (52, "remoteAddr")] {
            for (word, value) in end[name].as_array().unwrap().iter().enumerate() {
                put(at + 4 * word, &(value.as_u64().unwrap() as u32).to_le_bytes());
            }
        }
        put(68, &(number(end, "localPort") as u16).to_le_bytes());
        put(70, &(number(end, "remotePort") as u16).to_le_bytes());
        put(72, &[number(end, "protocol") as u8]);
    } else if addr["reflect"].is_object() {
        let handle = &addr["reflect"];
        put(16, &handle["timestamp"].as_i64().unwrap_or(0).to_le_bytes());
        put(24, &(number(handle, "processId") as u32).to_le_bytes());
        put(28, &(number(handle, "layer") as u32).to_le_bytes());
        put(32, &number(handle, "flags").to_le_bytes());
        put(40, &(handle["priority"].as_i64().unwrap_or(0) as i16).to_le_bytes());
    } else {
        put(16, &(number(addr, "ifIdx") as u32).to_le_bytes());
        put(20, &(number(addr, "subIfIdx") as u32).to_le_bytes());
    }
    WINDIVERT_ADDRESS(record)
}

fn evaluated(filter: &CString, packet: Option<&[u8]>, address: &WINDIVERT_ADDRESS) -> (bool, u32) {
    last_error::set(4711);
    let (start, length) = packet.map_or((null(), 0), |packet| (packet.as_ptr(), packet.len() as u32));
    let matched = unsafe { WinDivertHelperEvalFilter(filter.as_ptr(), start.cast(), length, address) };
    (matched != 0, last_error::get())
}

#[test]
fn verdicts_are_the_documented_ones_also_by_object() {
    let (mut run, mut wrong) = (0, Vec::new());
    for line in conformance("eval.jsonl").into_iter().chain(conformance("eval_random.jsonl")) {
        let (filter, answer) = (line["filter"].as_str().unwrap(), expected(&line));
        let packet = line["packet"].as_str().map(from_hex);
        let address = address(&line["addr"]);
        let wanted = if answer["code"] == 0 { (answer["match"] == true, 0) } else { (false, 87) };
        let text = CString::new(filter).unwrap();
        let found = evaluated(&text, packet.as_deref(), &address);
        run += 1;
        // More than 256 tests are no mistake here; nor is what only the extended language has.
        let wider = || {
            wanted == (false, 87)
                && (filter.matches("ip and").count() > 250
                    || layer(&line["addr"]["layer"]).is_some_and(|layer| extended(filter, layer))
                        && plain_mistake(filter, layer(&line["addr"]["layer"]).unwrap()).is_some())
        };
        if found != wanted && !wider() {
            wrong.push(format!("{filter:.300} on {}: wanted {wanted:?}, not {found:?}", line["addr"]));
        }
        // The object stands for the text.
        let number = line["addr"]["layer"].as_u64().unwrap() as u32;
        let object = compiled(filter, number);
        if object.done
            && evaluated(&CString::new(object.object).unwrap(), packet.as_deref(), &address) != found
        {
            wrong.push(format!("{filter:.300} on {}: not by its object", line["addr"]));
        }
    }
    assert!(run >= 5928 + 559, "only {run} lines");
    report(&wrong, run);
}

/// What a text or an object means.
fn meaning(filter: &str, layer: Layer) -> Option<Graph> {
    if filter.starts_with("@WinDiv_") {
        return windivert::decode(filter, layer).ok();
    }
    if filter.starts_with('@') {
        let bytes = object::program(filter).ok()?;
        let verified = Program::decode(&bytes).ok()?.verify(USER_WORK).ok()?;
        return Some(bytecode::lift(&verified));
    }
    let options = Options { layer: Some(layer), ..Options::default() };
    let typed = analyse(filter, &options).typed?;
    let mut builder = Builder::simplifying(layer);
    let entry = lower(&typed, &mut builder).ok()?;
    Some(builder.finish(entry))
}

#[test]
fn formatted_filters_mean_what_they_did_and_fit_their_buffers() {
    let (mut run, mut proved, mut wrong) = (0, 0, Vec::new());
    for line in conformance("format.jsonl") {
        let (filter, answer) = (line["filter"].as_str().unwrap(), expected(&line));
        let Some(layer) = layer(&line["layer"]) else { continue };
        let text = CString::new(filter).unwrap();
        let number = u32::from(layer.number());
        let ours = text_into(1 << 20, |to, length| unsafe {
            WinDivertHelperFormatFilter(text.as_ptr(), number, to, length)
        });
        run += 1;
        let Some(graph) = meaning(filter, layer) else {
            // An object for another layer is formatted by the original all the same.
            if ours["ok"] == true || ours["code"] != 87 {
                wrong.push(format!("{filter:.200}: {ours}"));
            }
            continue;
        };
        let formatted = ours["text"].as_str().unwrap_or("");
        let again = meaning(formatted, layer);
        let recorded = answer["text"].as_str().and_then(|text| meaning(text, layer));
        for other in [again, recorded.or(Some(graph.clone()))] {
            match other.map(|other| equivalent(&graph, &other, &Budget::default())) {
                Some(Answer::Yes(())) => proved += 1,
                Some(Answer::Unknown(_)) => {}
                Some(Answer::No(_)) | None => wrong.push(format!("{filter:.200}\n  {answer}\n  {ours}")),
            }
        }
        let exact = formatted.len();
        for (room, fits) in [(exact + 1, true), (exact, false), (0, false)] {
            let tight = text_into(room, |to, length| unsafe {
                WinDivertHelperFormatFilter(text.as_ptr(), number, to, length)
            });
            if (tight["ok"] == true) != fits || (!fits && tight["code"] != 122) {
                wrong.push(format!("{filter:.200} in {room} of {exact} bytes: {tight}"));
            }
        }
    }
    assert!(run > 1700 && proved > 2 * run * 8 / 10, "{proved} proofs for {run} lines");
    report(&wrong, run);
}

#[test]
fn objects_have_buffers_and_come_back_to_the_byte() {
    let layer = u32::from(Layer::Network.number());
    let filter = "tcp.DstPort in {80, 443} and ip.DstAddr in 10.0.0.0/8";
    let Compiled { object, .. } = compiled(filter, layer);
    assert!(object.starts_with("@Divert_"), "{object}");
    assert_eq!(compiled(&object, layer).object, object, "an object is its own object");
    let text = CString::new(filter).unwrap();
    for (room, wanted) in [
        (object.len() + 1, json!({"ok": true, "text": object})),
        (object.len(), json!(122)),
        (1, json!(122)),
        (0, json!(122)),
    ] {
        let (mut error, mut position) = (null::<c_char>(), 9);
        let answer = text_into(room, |to, length| unsafe {
            WinDivertHelperCompileFilter(text.as_ptr(), layer, to, length, &raw mut error, &raw mut position)
        });
        if wanted.is_object() {
            assert_eq!(answer, wanted);
        } else {
            assert_eq!((&answer["ok"], &answer["code"], position), (&json!(false), &wanted, 0), "{room}");
            assert_eq!(unsafe { CStr::from_ptr(error) }, c"the filter object buffer is too short");
        }
    }
    // A block list of 120 addresses fits the buffer that programs have for objects.
    let tests: Vec<String> = (0..120).map(|at| format!("ip.DstAddr == 10.{at}.{}.7", 255 - at)).collect();
    let object = compiled(&tests.join(" or "), layer).object;
    assert!(object.len() < 4096, "{} bytes", object.len());
    let mixed: Vec<String> = (0..120)
        .map(|at| format!("(tcp.SrcPort == {at} and udp.Payload32[{at}] != 0x{at:x}1234567)"))
        .collect();
    let _ = compiled(&mixed[..60].join(" or "), layer);
}

#[test]
fn null_pointers_are_no_accident() {
    let filter = c"tcp";
    let all_null =
        unsafe { WinDivertHelperCompileFilter(filter.as_ptr(), 0, null_mut(), 0, null_mut(), null_mut()) };
    assert_eq!(all_null, 1);
    let mut error = null::<c_char>();
    let none = unsafe { WinDivertHelperCompileFilter(null(), 0, null_mut(), 0, &raw mut error, null_mut()) };
    assert_eq!((none, last_error::get()), (0, 87));
    assert!(!error.is_null());
    let packet = from_hex("4500001c00010000401164c40a0000010808040414e914e90008bfff");
    let (start, length) = (packet.as_ptr().cast::<c_void>(), packet.len() as u32);
    unsafe {
        assert_eq!(
            WinDivertHelperParsePacket(
                start,
                length,
                null_mut(),
                null_mut(),
                null_mut(),
                null_mut(),
                null_mut(),
                null_mut(),
                null_mut(),
                null_mut(),
                null_mut(),
                null_mut(),
                null_mut()
            ),
            1
        );
        assert_eq!(
            WinDivertHelperParsePacket(
                null(),
                20,
                null_mut(),
                null_mut(),
                null_mut(),
                null_mut(),
                null_mut(),
                null_mut(),
                null_mut(),
                null_mut(),
                null_mut(),
                null_mut(),
                null_mut()
            ),
            0
        );
        assert_eq!(WinDivertHelperHashPacket(null(), 100, 1), 0);
        assert_eq!(WinDivertHelperCalcChecksums(null_mut(), 40, null_mut(), 0), 0);
        assert_eq!(WinDivertHelperDecrementTTL(null_mut(), 0), 0);
        assert_eq!(WinDivertHelperParseIPv4Address(null(), null_mut()), 0);
        assert_eq!(WinDivertHelperParseIPv4Address(c"1.2.3.4".as_ptr(), null_mut()), 1);
        assert_eq!(WinDivertHelperFormatIPv4Address(1, null_mut(), 20), 0);
        assert_eq!(WinDivertHelperFormatIPv6Address(null(), null_mut(), 0), 0);
        assert_eq!(WinDivertHelperFormatFilter(null(), 0, null_mut(), 0), 0);
        assert_eq!(WinDivertHelperEvalFilter(filter.as_ptr(), start, length, null()), 0);
        let mut copy = packet.clone();
        assert_eq!(WinDivertHelperCalcChecksums(copy.as_mut_ptr().cast(), length, null_mut(), 0), 1);
        WinDivertHelperNtohIPv6Address(null(), null_mut());
    }
    assert_eq!(compiled("tcp", 5).error, "the layer does not exist");
}

#[test]
fn byte_orders_are_those_of_the_network() {
    assert_eq!(WinDivertHelperNtohs(0x1234_u16.to_be()), 0x1234);
    assert_eq!(WinDivertHelperHtonl(0x1234_5678).to_ne_bytes(), [0x12, 0x34, 0x56, 0x78]);
    assert_eq!(WinDivertHelperNtohll(WinDivertHelperHtonll(0x0123_4567_89AB_CDEF)), 0x0123_4567_89AB_CDEF);
    let network: [u8; 16] = std::array::from_fn(|at| at as u8);
    let mut host = [0_u32; 4];
    unsafe { WinDivertHelperNtohIPv6Address(network.as_ptr().cast(), host.as_mut_ptr().cast()) };
    assert_eq!(host, [0x0C0D_0E0F, 0x0809_0A0B, 0x0405_0607, 0x0001_0203]);
    // In place, and with the old spelling.
    let place = host.as_mut_ptr().cast::<c_void>();
    unsafe { WinDivertHelperHtonIpv6Address(place, place) };
    assert_eq!(host.map(u32::to_ne_bytes).as_flattened(), network);
}
