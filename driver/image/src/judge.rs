//! Everything that is wrong with an image.

use std::collections::BTreeSet;

use object::LittleEndian as LE;
use object::pe::{IMAGE_FILE_MACHINE_AMD64, IMAGE_SUBSYSTEM_NATIVE};
use object::read::pe::{ImageNtHeaders, PeFile64};

use crate::{calls, checksum, imports, names};

/// Most bytes of stack that one function may take; the entry point has the stack for itself, and may take twice as much.
pub const MAX_FRAME: u32 = 2048;

/// The same where a callout is asked, which may be deep within the stack of somebody else.
pub const MAX_CLASSIFY_FRAME: u32 = 1024;

/// Most bytes of stack that any way into the image may take in all. The kernel's stack is 24 KiB on x64.
pub const MAX_DEPTH: u32 = 6144;

/// The same where a callout is asked.
pub const MAX_CLASSIFY_DEPTH: u32 = 3072;

/// What the names of the functions that the platform asks have in them.
const CLASSIFY: &str = "3sys4call8classify";

/// What is wrong, one sentence each; nothing when the image may be loaded. With the linker's map, what callouts need of
/// the stack is judged too.
///
/// # Errors
/// When the bytes are not an image at all.
pub fn judge(image: &[u8], map: Option<&str>) -> Result<Vec<String>, String> {
    let file = PeFile64::parse(image).map_err(|error| error.to_string())?;
    let headers = file.nt_headers();
    let optional = headers.optional_header();
    let mut wrong = Vec::new();
    if headers.file_header().machine.get(LE) != IMAGE_FILE_MACHINE_AMD64 {
        wrong.push("the image is not for x86-64".into());
    }
    let subsystem = optional.subsystem.get(LE);
    if subsystem != IMAGE_SUBSYSTEM_NATIVE {
        wrong.push(format!("subsystem {subsystem}, but that of drivers is 1"));
    }
    let version = (optional.major_subsystem_version.get(LE), optional.minor_subsystem_version.get(LE));
    if version > (6, 1) {
        wrong.push(format!("the image asks for Windows {}.{} or later", version.0, version.1));
    }
    let entry = optional.address_of_entry_point.get(LE);
    if entry == 0 || file.section_table().pe_data_at(image, entry).is_none() {
        wrong.push("there is no entry point".into());
    }
    let (stored, right) = (checksum::stored(image)?, checksum::right(image)?);
    if stored != right {
        wrong.push(format!("checksum {stored:#010x}, but {right:#010x} is right"));
    }
    wrong.extend(bad_imports(image)?);
    wrong.extend(deep(image, entry, map)?);
    Ok(wrong)
}

/// Functions and chains of calls that take too much stack.
fn deep(image: &[u8], entry: u32, map: Option<&str>) -> Result<Vec<String>, String> {
    let functions = calls::of(image)?;
    let names = map.map(names::read).unwrap_or_default();
    let name = |address: &u32| names.get(address).map_or("?", String::as_str);
    let mut wrong = Vec::new();
    for (address, function) in &functions {
        let (most, deepest) =
            if *address == entry { (2 * MAX_FRAME, 2 * MAX_DEPTH) } else { (MAX_FRAME, MAX_DEPTH) };
        if function.frame > most {
            let (bytes, name) = (function.frame, name(address));
            wrong.push(format!("{name} at {address:#x} takes {bytes} bytes of stack; {most} are allowed"));
        }
        if function.depth > deepest {
            let (bytes, name) = (function.depth, name(address));
            wrong.push(format!(
                "{name} at {address:#x} and what it calls take {bytes} bytes of stack; {deepest} are allowed"
            ));
        }
    }
    if map.is_none() {
        return Ok(wrong);
    }
    let asked: Vec<u32> =
        functions.keys().copied().filter(|address| name(address).contains(CLASSIFY)).collect();
    if asked.is_empty() {
        wrong.push("no callout is among the functions of the map".into());
    }
    let mut reached = BTreeSet::new();
    for root in asked {
        let depth = functions.get(&root).map_or(0, |function| function.depth);
        if depth > MAX_CLASSIFY_DEPTH {
            wrong.push(format!(
                "the callout at {root:#x} takes {depth} bytes of stack; {MAX_CLASSIFY_DEPTH} are allowed"
            ));
        }
        reached.extend(calls::reachable(root, &functions));
    }
    for address in reached {
        let bytes = functions.get(&address).map_or(0, |function| function.frame);
        if bytes > MAX_CLASSIFY_FRAME {
            let name = name(&address);
            wrong.push(format!(
                "{name} at {address:#x}, which callouts reach, takes {bytes} bytes of stack; {MAX_CLASSIFY_FRAME} \
                 are allowed"
            ));
        }
    }
    Ok(wrong)
}

fn bad_imports(image: &[u8]) -> Result<Vec<String>, String> {
    let allowed = imports::read(imports::LIST)?;
    let mut wrong = Vec::new();
    for (module, function) in imports::of(image)? {
        let known = |entry: &&imports::Allowed| entry.module == module && entry.function == function;
        match allowed.iter().find(known) {
            None => wrong.push(format!("{function} of {module} is not in the list of imports")),
            Some(entry) if !matches!(entry.since.as_str(), "5.0" | "5.1" | "6.0" | "6.1") => {
                wrong.push(format!("{function} of {module} came with Windows {}", entry.since));
            }
            Some(_) => {}
        }
    }
    Ok(wrong)
}
