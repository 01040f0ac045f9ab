//! How much stack each function of an image takes, by its unwind information (x64 exception handling, `UNWIND_INFO`):
//! every function that takes any has some.

use object::LittleEndian as LE;
use object::pe::IMAGE_DIRECTORY_ENTRY_EXCEPTION;
use object::read::pe::PeFile64;

/// A function and the bytes of stack that it takes, with what it saves and without its return address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Frame {
    /// Bytes.
    pub bytes: u32,
    /// Where the function is, from the start of the image in memory.
    pub address: u32,
}

/// All functions that take stack, in the order of the image.
///
/// # Errors
/// When the unwind information cannot be read.
pub fn of(image: &[u8]) -> Result<Vec<Frame>, String> {
    Ok(ranges(image)?.into_iter().map(|(frame, _)| frame).collect())
}

/// The same, with the code of each.
///
/// # Errors
/// As [`of`].
pub fn ranges(image: &[u8]) -> Result<Vec<(Frame, &[u8])>, String> {
    let file = PeFile64::parse(image).map_err(|error| error.to_string())?;
    let sections = file.section_table();
    let read = |address: u32| sections.pe_data_at(image, address).ok_or("an address is outside the image");
    let Some(directory) = file.data_directories().get(IMAGE_DIRECTORY_ENTRY_EXCEPTION) else {
        return Err("the image has no table of functions".into());
    };
    let (table, length) = (directory.virtual_address.get(LE), directory.size.get(LE) as usize);
    let table = read(table)?.get(..length).ok_or("the table of functions is cut short")?;
    let mut frames = Vec::new();
    for entry in table.chunks_exact(12) {
        let (Some(begin), Some(end), Some(unwind)) = (word(entry, 0), word(entry, 4), word(entry, 8)) else {
            continue;
        };
        let mut bytes: u32 = 0;
        let mut at = unwind;
        // Pieces of a function refer to the piece before; there are few.
        for _ in 0..32 {
            let info = read(at)?;
            let (own, earlier) = frame(info).ok_or("unwind information is cut short")?;
            bytes = bytes.saturating_add(own);
            match earlier {
                Some(next) => at = next,
                None => break,
            }
        }
        let code = read(begin)?.get(..end.saturating_sub(begin) as usize).ok_or("a function is cut short")?;
        frames.push((Frame { bytes, address: begin }, code));
    }
    Ok(frames)
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Bytes of stack that one piece of a function takes, and the unwind information of the piece before.
fn frame(info: &[u8]) -> Option<(u32, Option<u32>)> {
    const CHAINED: u8 = 4;
    let [flags, _, count, _] = *info.first_chunk()?;
    let codes = info.get(4..)?.get(..usize::from(count).saturating_mul(2))?;
    let slot = |number: usize| -> Option<u32> {
        let at = number.saturating_mul(2);
        Some(u32::from(u16::from_le_bytes(*codes.get(at..)?.first_chunk()?)))
    };
    let mut bytes: u32 = 0;
    let mut at = 0;
    while at < usize::from(count) {
        let code = slot(at)?;
        let (operation, detail) = (code >> 8 & 0xF, code >> 12);
        let (taken, slots) = match (operation, detail) {
            // Push; large and small allocations; frame pointer; saves by move, near and far; of the wide registers.
            (0, _) => (8, 1),
            (1, 0) => (slot(at.saturating_add(1))?.saturating_mul(8), 2),
            (1, _) => (slot(at.saturating_add(1))? | slot(at.saturating_add(2))? << 16, 3),
            (2, small) => (small.saturating_mul(8).saturating_add(8), 1),
            (3, _) => (0, 1),
            (4 | 8, _) => (0, 2),
            (5 | 9, _) => (0, 3),
            (10, pushed) => (if pushed == 0 { 40 } else { 48 }, 1),
            _ => return None,
        };
        bytes = bytes.saturating_add(taken);
        at = at.saturating_add(slots);
    }
    let earlier = if flags >> 3 & CHAINED == 0 {
        None
    } else {
        // The entry of the piece before stands behind the codes, whose number is rounded up to an even one.
        let behind = 4_usize.saturating_add(usize::from(count).next_multiple_of(2).saturating_mul(2));
        Some(word(info, behind.saturating_add(8))?)
    };
    Some((bytes, earlier))
}
