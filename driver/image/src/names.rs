//! The linker's map: names for addresses.

use std::collections::BTreeMap;

/// Reads the symbols of a map (`/MAP`): names by address from the start of the image in memory.
#[must_use]
pub fn read(map: &str) -> BTreeMap<u32, String> {
    let base = map
        .lines()
        .find_map(|line| line.trim().strip_prefix("Preferred load address is "))
        .and_then(|number| u64::from_str_radix(number.trim(), 16).ok())
        .unwrap_or(0);
    let mut names = BTreeMap::new();
    for line in map.lines() {
        let mut words = line.split_whitespace();
        let (Some(place), Some(name), Some(address)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        let address = u64::from_str_radix(address, 16).ok().filter(|_| place.contains(':'));
        if let Some(address) = address.and_then(|address| u32::try_from(address.checked_sub(base)?).ok()) {
            names.entry(address).or_insert_with(|| name.to_owned());
        }
    }
    names
}
