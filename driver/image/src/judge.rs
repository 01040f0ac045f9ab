//! Everything that is wrong with an image.

use object::LittleEndian as LE;
use object::pe::{IMAGE_FILE_MACHINE_AMD64, IMAGE_SUBSYSTEM_NATIVE};
use object::read::pe::{ImageNtHeaders, PeFile64};

use crate::{checksum, frames, imports};

/// Most bytes of stack that one function may take. The kernel's stack is 24 KiB on x64, and much of it is taken when a
/// callout is asked.
pub const MAX_FRAME: u32 = 1024;

/// What is wrong, one sentence each; nothing when the image may be loaded.
///
/// # Errors
/// When the bytes are not an image at all.
pub fn judge(image: &[u8]) -> Result<Vec<String>, String> {
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
    for frame in frames::of(image)?.into_iter().filter(|frame| frame.bytes > MAX_FRAME) {
        wrong.push(format!(
            "the function at {:#x} takes {} bytes of stack; {MAX_FRAME} are allowed",
            frame.address, frame.bytes
        ));
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
