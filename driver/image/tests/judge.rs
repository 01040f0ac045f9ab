//! Images that are made here, right and wrong in one respect each.
#![allow(clippy::unwrap_used, reason = "tests")]

use divert_driver_image::{calls, checksum, frames, imports, judge, names};

/// Where the one section is in memory and in the file.
const SECTION: u32 = 0x1000;
const RAW: usize = 0x200;

/// What an image is made of.
struct Recipe {
    machine: u16,
    subsystem: u16,
    version: (u16, u16),
    entry: u32,
    imports: Vec<(&'static str, Vec<&'static str>)>,
    /// Code and unwind codes of each function.
    functions: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            machine: 0x8664,
            subsystem: 1,
            version: (6, 1),
            entry: SECTION,
            imports: vec![
                ("ntoskrnl.exe", vec!["IoCreateDevice"]),
                ("hal.dll", vec!["KeQueryPerformanceCounter"]),
            ],
            functions: vec![(vec![0xC3; 16], vec![0x04, 0x42])],
        }
    }
}

fn put(image: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if image.len() < at + bytes.len() {
        image.resize(at + bytes.len(), 0);
    }
    image[at..at + bytes.len()].copy_from_slice(bytes);
}

impl Recipe {
    /// Function `n` is at `SECTION + n * 0x100`; unwind information, the table and the imports follow.
    fn make(&self) -> Vec<u8> {
        let mut body = Vec::new();
        let mut table = Vec::new();
        for (number, (code, unwind)) in self.functions.iter().enumerate() {
            let at = number * 0x100;
            put(&mut body, at, code);
            let info = 0x1000 + number * 0x40;
            put(&mut body, info, &[1, 0, (unwind.len() / 2) as u8, 0]);
            put(&mut body, info + 4, unwind);
            for word in [at, at + code.len(), info] {
                table.extend((SECTION + word as u32).to_le_bytes());
            }
        }
        put(&mut body, 0x2000, &table);
        let mut text = 0x4000;
        for (number, (module, functions)) in self.imports.iter().enumerate() {
            put(&mut body, text, format!("{module}\0").as_bytes());
            let name = text;
            text += 0x40;
            let thunks = text;
            text += 8 * (functions.len() + 1);
            for (function, thunk) in functions.iter().zip((thunks..).step_by(8)) {
                put(&mut body, thunk, &u64::from(SECTION + text as u32).to_le_bytes());
                put(&mut body, text, format!("\0\0{function}\0").as_bytes());
                text += 0x40;
            }
            let descriptor = [thunks as u32, 0, 0, name as u32, thunks as u32]
                .map(|word| if word == 0 { 0 } else { SECTION + word });
            for (word, at) in descriptor.into_iter().zip((0x3000 + number * 20..).step_by(4)) {
                put(&mut body, at, &word.to_le_bytes());
            }
        }
        let length = (text + 0x200).next_multiple_of(0x200);
        body.resize(length, 0);
        self.around(&body, table.len() as u32)
    }

    fn around(&self, body: &[u8], table: u32) -> Vec<u8> {
        let mut image = vec![0; RAW];
        put(&mut image, 0, b"MZ");
        put(&mut image, 0x3C, &0x40_u32.to_le_bytes());
        put(&mut image, 0x40, b"PE\0\0");
        put(&mut image, 0x44, &self.machine.to_le_bytes());
        put(&mut image, 0x46, &1_u16.to_le_bytes());
        put(&mut image, 0x54, &240_u16.to_le_bytes());
        let optional = 0x58;
        put(&mut image, optional, &0x20B_u16.to_le_bytes());
        put(&mut image, optional + 16, &self.entry.to_le_bytes());
        put(&mut image, optional + 32, &0x1000_u32.to_le_bytes());
        put(&mut image, optional + 36, &0x200_u32.to_le_bytes());
        put(&mut image, optional + 48, &self.version.0.to_le_bytes());
        put(&mut image, optional + 50, &self.version.1.to_le_bytes());
        put(&mut image, optional + 56, &(SECTION + body.len() as u32).to_le_bytes());
        put(&mut image, optional + 60, &(RAW as u32).to_le_bytes());
        put(&mut image, optional + 68, &self.subsystem.to_le_bytes());
        put(&mut image, optional + 108, &16_u32.to_le_bytes());
        put(&mut image, optional + 112 + 8, &(SECTION + 0x3000).to_le_bytes());
        put(&mut image, optional + 112 + 12, &0x400_u32.to_le_bytes());
        put(&mut image, optional + 112 + 24, &(SECTION + 0x2000).to_le_bytes());
        put(&mut image, optional + 112 + 28, &table.to_le_bytes());
        let section = optional + 240;
        put(&mut image, section, b".text");
        put(&mut image, section + 8, &(body.len() as u32).to_le_bytes());
        put(&mut image, section + 12, &SECTION.to_le_bytes());
        put(&mut image, section + 16, &(body.len() as u32).to_le_bytes());
        put(&mut image, section + 20, &(RAW as u32).to_le_bytes());
        image.extend(body);
        checksum::set(&mut image).unwrap();
        image
    }
}

/// A function that calls function `to`; both are at their places.
fn caller(from: u32, to: u32) -> Vec<u8> {
    let distance = (to * 0x100).wrapping_sub(from * 0x100 + 5);
    let mut code = vec![0xE8];
    code.extend(distance.to_le_bytes());
    code.push(0xC3);
    code
}

fn findings(recipe: &Recipe) -> Vec<String> {
    judge::judge(&recipe.make(), None).unwrap()
}

fn one(recipe: &Recipe, wanted: &str) {
    let found = findings(recipe);
    assert!(found.len() == 1 && found[0].contains(wanted), "{wanted}: {found:?}");
}

#[test]
fn a_right_image_is_right() {
    assert_eq!(findings(&Recipe::default()), Vec::<String>::new());
}

#[test]
fn each_wrong_is_found() {
    one(&Recipe { machine: 0xAA64, ..Recipe::default() }, "x86-64");
    one(&Recipe { subsystem: 3, ..Recipe::default() }, "subsystem 3");
    one(&Recipe { version: (10, 0), ..Recipe::default() }, "Windows 10.0");
    one(&Recipe { entry: 0, ..Recipe::default() }, "entry point");
    let module = Recipe { imports: vec![("msvcrt.dll", vec!["memcpy"])], ..Recipe::default() };
    one(&module, "memcpy of msvcrt.dll");
    let newer = Recipe { imports: vec![("ntoskrnl.exe", vec!["ExAllocatePool2"])], ..Recipe::default() };
    one(&newer, "ExAllocatePool2");
    // UWOP_ALLOC_LARGE of 2,056 bytes. The entry is another function.
    let large = vec![0x04, 0x01, 0x01, 0x01];
    let functions = vec![(vec![0xC3; 16], vec![0x04, 0x42]), (vec![0xC3; 16], large)];
    one(&Recipe { functions, ..Recipe::default() }, "takes 2056 bytes");
}

#[test]
fn a_checksum_is_set_and_missed() {
    let mut image = Recipe::default().make();
    let right = checksum::right(&image).unwrap();
    assert_eq!(checksum::stored(&image).unwrap(), right);
    let place = checksum::place(&image).unwrap();
    image[place] ^= 1;
    assert_eq!(checksum::right(&image).unwrap(), right, "it is not part of its own sum");
    assert!(judge::judge(&image, None).unwrap()[0].contains("checksum"));
    // Of an image of odd length the last byte is a word.
    image.push(1);
    assert_eq!(checksum::right(&image).unwrap(), right + 2);
}

#[test]
fn frames_are_those_of_the_unwind_codes() {
    // Two pushes (rbx, rsi) and an allocation of 0x28; the widest form of an allocation; saves, which take nothing.
    let codes: [(&[u8], u32); 3] = [
        (&[6, 0x42, 2, 0x60, 1, 0x30], 0x28 + 16),
        (&[7, 0x11, 0x00, 0x00, 0x01, 0x00], 0x1_0000),
        (&[9, 0x34, 0x08, 0x00, 4, 0x32, 4, 0x68, 0x02, 0x00], 0x20),
    ];
    for (codes, bytes) in codes {
        let image = Recipe { functions: vec![(vec![0xC3; 4], codes.to_vec())], ..Recipe::default() }.make();
        assert_eq!(frames::of(&image).unwrap(), [frames::Frame { bytes, address: SECTION }]);
    }
}

#[test]
fn chains_of_calls_add_up_and_must_end() {
    let unwind = || vec![4, 0x42];
    let chain = vec![(caller(0, 1), unwind()), (caller(1, 2), unwind()), (vec![0xC3], unwind())];
    let functions = calls::of(&Recipe { functions: chain, ..Recipe::default() }.make()).unwrap();
    let depths: Vec<_> = functions.values().map(|function| function.depth).collect();
    assert_eq!(depths, [3 * 0x30, 2 * 0x30, 0x30]);
    assert_eq!(calls::roots(&functions).into_iter().collect::<Vec<_>>(), [SECTION]);
    assert_eq!(calls::reachable(SECTION + 0x100, &functions).len(), 2);
    let circle = vec![(caller(0, 1), unwind()), (caller(1, 0), unwind())];
    let error = calls::of(&Recipe { functions: circle, ..Recipe::default() }.make()).unwrap_err();
    assert!(error.contains("calls itself"), "{error}");
    let itself = vec![(caller(0, 0), unwind())];
    assert!(calls::of(&Recipe { functions: itself, ..Recipe::default() }.make()).is_err());
}

#[test]
fn callouts_may_take_less() {
    // UWOP_ALLOC_LARGE of 1,032 bytes, below the callout.
    let functions = vec![(caller(0, 1), vec![4, 0x42]), (vec![0xC3], vec![4, 0x01, 0x81, 0x00])];
    let image = Recipe { functions, ..Recipe::default() }.make();
    let map = " Preferred load address is 0000000180000000\n\
               0001:00000000       _RINv3sys4call8classify_x  0000000180001000     x.o\n\
               0001:00000100       _RNv4deep                  0000000180001100     x.o\n";
    assert_eq!(names::read(map).len(), 2);
    let found = judge::judge(&image, Some(map)).unwrap();
    assert!(found.len() == 1 && found[0].contains("_RNv4deep") && found[0].contains("1032"), "{found:?}");
    assert_eq!(judge::judge(&image, None).unwrap(), Vec::<String>::new());
    let nothing = judge::judge(&image, Some("")).unwrap();
    assert!(nothing[0].contains("no callout"), "{nothing:?}");
}

#[test]
fn any_bytes_may_be_given() {
    let image = Recipe::default().make();
    for length in 0..image.len().min(0x400) {
        let _ = judge::judge(&image[..length], None);
    }
    let mut state = 1_u32;
    for _ in 0..3000 {
        let mut broken = image.clone();
        for _ in 0..4 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = (state >> 8) as usize % broken.len().min(0x3100);
            broken[at] = state as u8;
        }
        let _ = judge::judge(&broken, None);
    }
}

#[test]
fn the_list_of_imports_is_in_order() {
    let list = imports::read(imports::LIST).unwrap();
    let mut once: Vec<_> = list.iter().map(|entry| (&entry.module, &entry.function)).collect();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), list.len());
    for entry in &list {
        assert!(["ntoskrnl.exe", "hal.dll", "ndis.sys", "fwpkclnt.sys"].contains(&entry.module.as_str()));
        assert!(["5.0", "5.1", "6.0", "6.1"].contains(&entry.since.as_str()), "{entry:?}");
    }
    assert!(imports::read("ntoskrnl.exe IoCreateDevice").is_err());
}
