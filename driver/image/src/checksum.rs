//! The checksum of the optional header (PE format, "CheckSum"; the sum that `ImageHlp`'s `CheckSumMappedFile` makes).

use object::LittleEndian as LE;
use object::pe::{ImageDosHeader, ImageNtHeaders64};
use object::read::pe::ImageNtHeaders;

/// Where the checksum is, from the start of the file.
///
/// # Errors
/// When the file is not an image for 64 bits.
pub fn place(image: &[u8]) -> Result<usize, String> {
    let headers = ImageDosHeader::parse(image).map_err(|error| error.to_string())?;
    let mut offset = u64::from(headers.nt_headers_offset());
    let start = usize::try_from(offset).map_err(|error| error.to_string())?;
    ImageNtHeaders64::parse(image, &mut offset).map_err(|error| error.to_string())?;
    // Signature (4), file header (20), and 64 bytes of the optional header.
    let place = start.saturating_add(4 + 20 + 64);
    if image.len() < place.saturating_add(4) { Err("the file is too short".into()) } else { Ok(place) }
}

/// The checksum that an image says it has.
///
/// # Errors
/// As [`place`].
pub fn stored(image: &[u8]) -> Result<u32, String> {
    let mut offset =
        u64::from(ImageDosHeader::parse(image).map_err(|error| error.to_string())?.nt_headers_offset());
    let (headers, _) = ImageNtHeaders64::parse(image, &mut offset).map_err(|error| error.to_string())?;
    Ok(headers.optional_header().check_sum.get(LE))
}

/// The checksum that an image ought to have: its words of 16 bits summed with the carry brought round, those of the
/// checksum itself counted as zero, and the length added.
///
/// # Errors
/// As [`place`].
pub fn right(image: &[u8]) -> Result<u32, String> {
    let skipped = place(image)?;
    let mut sum: u32 = 0;
    for (number, word) in image.chunks(2).enumerate() {
        let at = number.saturating_mul(2);
        if (skipped..skipped.saturating_add(4)).contains(&at) {
            continue;
        }
        let word = match word {
            [low, high] => u16::from_le_bytes([*low, *high]),
            [low] => u16::from(*low),
            _ => 0,
        };
        sum = sum.wrapping_add(u32::from(word));
        sum = (sum & 0xFFFF).wrapping_add(sum >> 16);
    }
    let length = u32::try_from(image.len()).map_err(|error| error.to_string())?;
    Ok(sum.wrapping_add(length))
}

/// Writes the right checksum into an image.
///
/// # Errors
/// As [`place`].
pub fn set(image: &mut [u8]) -> Result<u32, String> {
    let place = place(image)?;
    let sum = right(image)?;
    if let Some(field) = image.get_mut(place..place.saturating_add(4)) {
        field.copy_from_slice(&sum.to_le_bytes());
    }
    Ok(sum)
}
