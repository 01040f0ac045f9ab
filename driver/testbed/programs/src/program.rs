//! The C program and the DLL.

use divert_testbed_control::How;
use divert_testbed_model::layer::Kind;

use crate::child::Running;
use crate::packets::udp;
use crate::stack::Stack;
use crate::{Check, Test};

pub(crate) const TESTS: &[Test] = &[
    ("helper functions in C", helpers),
    ("signatures in C and C++", signatures),
    ("a program in C", program),
];

fn signatures(_: &mut Stack) -> Check {
    for name in ["signatures.exe", "signatures-cpp.exe"] {
        let said = Running::start(name, &[])?.succeed()?;
        if said != ["ok"] {
            return Err(format!("{name} says {said:?}"));
        }
    }
    Ok(())
}

fn helpers(_: &mut Stack) -> Check {
    let said = Running::start("helpers.exe", &["running"])?.succeed()?;
    if said.last().is_some_and(|last| last == "ok") { Ok(()) } else { Err(format!("{said:?}")) }
}

/// Lets as many packets come by as it wants, until it ends.
fn program(stack: &mut Stack) -> Check {
    let running = Running::start("program.exe", &[])?;
    let (mut id, mut wrong) = (0, Vec::new());
    while let Some(line) = running.line()? {
        let wanted = line.strip_prefix("want ").and_then(|count| count.parse::<u16>().ok());
        match wanted {
            Some(count) => {
                for _ in 0..count {
                    id += 1;
                    stack.packet(Kind::Outbound, &udp(id, 53))?;
                }
            }
            None if line == "ok" => {}
            None => wrong.push(line),
        }
    }
    let (_, status) = running.finish()?;
    if status != 0 || !wrong.is_empty() {
        return Err(format!("it ends with {status}: {wrong:?}"));
    }
    let outcomes = stack.outcomes()?;
    let sent = outcomes.iter().filter(|outcome| outcome.how == How::Injected).count();
    // One by way of two handles, a hundred in batches, one overlapped, four from the queue.
    if sent == 106 { Ok(()) } else { Err(format!("{sent} packets were injected")) }
}
