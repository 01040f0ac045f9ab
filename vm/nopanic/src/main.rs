//! Proof by linking that nothing in `divert-vm` can panic.
//!
//! The panic handler below calls a function that exists nowhere. If any panic survives optimisation, the linker asks
//! for it and the build fails with `DIVERT_VM_CAN_PANIC` in its message; if the program links, no path of it ends in
//! a panic. `tests/nopanic.rs` builds it as it is, which must link, and once for each `seeded-` feature, which must
//! not.
//!
//! It also runs: standard input is a length (4 bytes, little-endian), a program of that length, and a packet. The exit
//! code is 0 for a match, 1 for none, 2 when the program is refused. The bytes come from outside, so the optimiser
//! cannot know them.
//!
//! Left out: `Debug` implementations, which are derived and for people.
#![no_std]
#![no_main]

use core::fmt::{self, Write};
use core::hint::black_box;
use core::panic::PanicInfo;

use divert_vm::address::{Ipv4, Ipv6, parse_ipv4, parse_ipv6, write_terminated};
use divert_vm::checksum::{Leave, decrement_ttl, update};
use divert_vm::disasm::Listing;
use divert_vm::wire::{Parts, RecordError};
use divert_vm::{
    Address, Endpoint, Event, FIELDS, Field, Input, Instruction, Layer, Needs, Number, Op, Packet, Program,
    Reflected, Target, Verified, hash, load, object, verify, wire,
};

#[link(name = "c")]
unsafe extern "C" {
    /// Defined nowhere.
    fn DIVERT_VM_CAN_PANIC() -> !;
    fn read(file: i32, buffer: *mut u8, count: usize) -> isize;
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: this never runs, because a program that can reach it does not link.
    unsafe { DIVERT_VM_CAN_PANIC() }
}

const ROOM: usize = 1 << 17;

// SAFETY: the C runtime calls `main` by this name with C's calling convention, and no other crate here defines it.
#[unsafe(no_mangle)]
extern "C" fn main() -> i32 {
    let mut buffer = [0_u8; ROOM];
    let mut used = 0_usize;
    while let Some(free) = buffer.get_mut(used..).filter(|free| !free.is_empty()) {
        // SAFETY: `free` is writable for `free.len()` bytes, and `read` writes no more than that.
        let got = unsafe { read(0, free.as_mut_ptr(), free.len()) };
        match usize::try_from(got) {
            Ok(got) if got > 0 => used = used.saturating_add(got),
            _ => break,
        }
    }
    judge(buffer.get_mut(..used).unwrap_or(&mut []))
}

fn judge(bytes: &mut [u8]) -> i32 {
    let Some((length, rest)) = bytes.split_first_chunk_mut::<4>() else { return 2 };
    let length = u32::from_le_bytes(*length) as usize;
    let Some((program, packet)) = rest.split_at_mut_checked(length) else { return 2 };
    #[cfg(feature = "seeded-panic")]
    if packet[length] == 3 {
        return 3;
    }
    #[cfg(feature = "seeded-overflow")]
    if packet.first().is_some_and(|first| first + 7 == 3) {
        return 3;
    }
    black_box(of_table(packet));
    black_box(of_text(packet));
    black_box(of_object(packet));
    black_box(of_encoding(packet));
    let verdict = of_program(program, packet);
    black_box(of_writers(packet));
    verdict
}

/// Counts what is written to it, so that formatting has a use.
struct Count(usize);

impl Write for Count {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = self.0.saturating_add(black_box(text).len());
        Ok(())
    }
}

fn shown(value: &dyn fmt::Display) -> usize {
    let mut count = Count(0);
    let _ = write!(count, "{value}");
    count.0
}

/// Decode, verify, list and run.
fn of_program(bytes: &[u8], packet: &[u8]) -> i32 {
    let program = match Program::decode(bytes) {
        Ok(program) => program,
        Err(error) => {
            black_box(shown(&error));
            return 2;
        }
    };
    black_box(shown(&Listing::new(&program, 8)));
    black_box((program.bytes(), program.debug(), program.is_empty(), program.set_count()));
    let verified = match program.verify(black_box(65_536)) {
        Ok(verified) => verified,
        Err(error) => {
            black_box((shown(&error), error.rule.number()));
            return 2;
        }
    };
    black_box(of_needs(verified.needs()));
    let mut count = Count(0);
    black_box(object::write(&verified, &mut count).is_ok());
    black_box(verified.reads(Field::Length));
    i32::from(!of_inputs(&verified, packet))
}

/// Everything that an object text may say.
fn of_object(bytes: &[u8]) -> usize {
    let read = || {
        let mut reader = object::Reader::new(core::str::from_utf8(bytes).unwrap_or("@Divert_"))?;
        let mut sum = usize::from(reader.layer().number());
        while let Some(test) = reader.test()? {
            while let Some((low, high)) = reader.interval(test.op)? {
                sum = sum.wrapping_add((low ^ high) as usize);
            }
            black_box(test);
        }
        Ok(sum)
    };
    read().unwrap_or_else(|error: object::ReadError| shown(&error))
}

fn of_needs(needs: &Needs) -> bool {
    let truths = Event::ALL.into_iter().flat_map(|event| {
        [
            needs.event(event),
            needs.can_match(event, false, true),
            needs.can_match(event, true, false),
            needs.direction(true),
            needs.version(true),
            needs.is_nothing(),
        ]
    });
    truths.fold(false, |all, truth| all ^ truth)
}

/// Inputs of every layer, from the packet's bytes.
fn of_inputs(verified: &Verified<'_>, bytes: &[u8]) -> bool {
    let number = |at: usize| bytes.get(at).copied().unwrap_or(0);
    let address = Address {
        timestamp: i64::from_le_bytes([0, 1, 2, 3, 4, 5, 6, 7].map(number)),
        outbound: number(8) & 1 == 1,
        loopback: number(8) & 2 == 2,
        impostor: number(8) & 4 == 4,
        if_idx: u32::from(number(9)),
        sub_if_idx: u32::from(number(10)),
    };
    let endpoint = Endpoint {
        ipv6: number(11) & 1 == 1,
        endpoint_id: u64::from(number(12)),
        local_addr: u128::from(number(13)) << 64,
        protocol: number(14),
        ..Endpoint::default()
    };
    let handle = Reflected {
        process_id: u32::from(number(15)),
        layer: Layer::from_number(number(16)).unwrap_or(Layer::Network),
        priority: i16::from_le_bytes([number(17), number(18)]),
    };
    let event = Event::from_number(number(19)).unwrap_or(Event::Packet);
    let events = [
        Input::flow(event, &endpoint, &address),
        Input::socket(event, &endpoint, &address),
        Input::reflect(event, &handle, &address),
    ];
    let mut matches = false;
    for input in &events {
        matches |= match input {
            Ok(input) => of_input(verified, input),
            Err(error) => shown(error) == 0,
        };
    }
    match Packet::parse(bytes) {
        Ok(packet) => {
            black_box((packet.transport(), packet.is_truncated(), hash::packet(&packet, 7)));
            matches |= of_input(verified, &Input::network(&packet, &address));
            matches |= of_input(verified, &Input::forward(&packet, &address));
        }
        Err(error) => {
            black_box(shown(&error));
        }
    }
    matches
}

fn of_input(verified: &Verified<'_>, input: &Input<'_>) -> bool {
    let index = i32::try_from(verified.work()).unwrap_or(-1);
    for info in &FIELDS {
        for index in [index, index.wrapping_neg(), i32::MIN, i32::MAX] {
            black_box(load::key(input, info.field, index));
        }
    }
    black_box((input.is_ipv6(), input.event(), input.packet().is_some()));
    let (verdict, steps) = verified.matches_counting(input);
    black_box(steps);
    verified.matches(input) && verdict
}

/// What the field table, numbers and names answer.
fn of_table(bytes: &[u8]) -> usize {
    let mut sum = 0_usize;
    for byte in bytes.iter().copied() {
        if let Some(field) = Field::from_number(byte) {
            let number = Number::new(byte & 1 == 1, u128::MAX >> (byte & 31));
            black_box(field.place(number));
            black_box(field.keys_at(Layer::Socket));
            sum =
                sum.saturating_add(shown(&field.number_of(u128::from(byte)))).saturating_add(shown(&number));
        }
        black_box((Op::from_number(byte), Layer::from_number(byte), Event::from_number(byte)));
    }
    if let Ok(text) = str::from_utf8(bytes) {
        black_box((Field::from_name(text), Layer::from_name(text), Event::from_name(text, Layer::Flow)));
    }
    sum
}

/// Addresses to and from text.
fn of_text(bytes: &[u8]) -> usize {
    let mut sum = 0_usize;
    if let Ok(text) = str::from_utf8(bytes) {
        black_box((parse_ipv4(text), parse_ipv6(text)));
    }
    if let Some((first, _)) = bytes.split_first_chunk::<16>() {
        let mut buffer = [0_u8; 48];
        let address = u128::from_le_bytes(*first);
        let room = buffer.get_mut(..bytes.len().min(48)).unwrap_or(&mut []);
        sum = write_terminated(Ipv6(address), room).unwrap_or(0);
        sum = sum.saturating_add(write_terminated(Ipv4(address as u32), room).unwrap_or(0));
        black_box(buffer);
    }
    sum
}

/// Records and whole programs, to bytes.
fn of_encoding(bytes: &[u8]) -> usize {
    let (records, _) = bytes.as_chunks::<24>();
    let mut instructions = [Instruction {
        op: Op::Range,
        field: Field::Zero,
        on_true: Target::ACCEPT,
        on_false: Target::REJECT,
        index: 0,
        mask: u32::MAX,
        low: 0,
        high: 0,
    }; 8];
    for (place, record) in instructions.iter_mut().zip(records) {
        match Instruction::from_record(record) {
            Ok(instruction) => *place = instruction,
            Err(RecordError::Op(number) | RecordError::Field(number)) => place.high = u32::from(number),
            Err(RecordError::Reserved) => {}
        }
    }
    let mut certificates = [divert_vm::op::Certificate::default(); 8];
    let mut parts = Parts {
        layer: Layer::Network,
        instructions: &instructions,
        certificates: &[],
        constants: &[7],
        sets: &[],
        narrow: &[(1, 2)],
        wide: &[],
        directory: &[],
        debug: bytes,
    };
    verify::certify(&parts, &mut certificates);
    parts.certificates = &certificates;
    let mut out = [0_u8; 1024];
    let written = parts.encode(&mut out).unwrap_or(0);
    written.saturating_add(wire::checksum_of(&out) as usize)
}

/// What changes a packet.
fn of_writers(bytes: &mut [u8]) -> bool {
    let leave = Leave::from_flags(bytes.first().copied().map_or(0, u64::from));
    let updated = update(bytes, leave);
    decrement_ttl(bytes) && updated.ok
}
