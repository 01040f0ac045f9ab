//! Which functions an image may import: `imports.txt`, one a line, with what is known of each.

use std::collections::BTreeSet;

/// The list.
pub const LIST: &str = include_str!("imports.txt");

/// An import that is allowed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Allowed {
    /// The module, such as `ntoskrnl.exe`.
    pub module: String,
    /// The function.
    pub function: String,
    /// The first version of Windows that has it: 5.0, 5.1, 6.0 or 6.1.
    pub since: String,
}

/// Reads a list: lines of module, function, first version and where that is known from; `#` begins a comment.
///
/// # Errors
/// With the number of the first line that is something else.
pub fn read(list: &str) -> Result<Vec<Allowed>, String> {
    let mut allowed = Vec::new();
    for (number, line) in list.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let mut words = line.split_whitespace().map(String::from);
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some(module), Some(function), Some(since), Some(_)) => {
                allowed.push(Allowed { module, function, since });
            }
            _ => return Err(format!("line {}: module, function, version and source are wanted", number + 1)),
        }
    }
    Ok(allowed)
}

/// What an image imports, as pairs of module and function; functions without a name by their number.
///
/// # Errors
/// When the import table cannot be read.
pub fn of(image: &[u8]) -> Result<BTreeSet<(String, String)>, String> {
    use object::LittleEndian as LE;
    use object::read::pe::{ImageThunkData, PeFile64};

    let file = PeFile64::parse(image).map_err(|error| error.to_string())?;
    let mut imports = BTreeSet::new();
    let Some(table) = file.import_table().map_err(|error| error.to_string())? else { return Ok(imports) };
    let mut modules = table.descriptors().map_err(|error| error.to_string())?;
    while let Some(module) = modules.next().map_err(|error| error.to_string())? {
        let name = table.name(module.name.get(LE)).map_err(|error| error.to_string())?;
        let name = String::from_utf8_lossy(name).into_owned();
        let mut thunks =
            table.thunks(module.original_first_thunk.get(LE)).map_err(|error| error.to_string())?;
        while let Some(thunk) =
            thunks.next::<object::pe::ImageNtHeaders64>().map_err(|error| error.to_string())?
        {
            let function = if thunk.is_ordinal() {
                format!("#{}", thunk.ordinal())
            } else {
                let (_, function) = table.hint_name(thunk.address()).map_err(|error| error.to_string())?;
                String::from_utf8_lossy(function).into_owned()
            };
            imports.insert((name.clone(), function));
        }
    }
    Ok(imports)
}
