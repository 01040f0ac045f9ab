//! What an image of the driver must be before it is loaded anywhere, and the checksum that the linker leaves out.
//!
//! [`checksum::set`] does what `link.exe /RELEASE` is documented to do; [`judge::judge`] says everything that is wrong with
//! an image: another kind of file, an import that is not known of Windows 7 or of a module that no driver may import from,
//! a stack frame that is too large, a checksum that is not right. Any bytes may be given; nothing here panics on them.
#![forbid(unsafe_code)]

pub mod calls;
pub mod checksum;
pub mod frames;
pub mod imports;
pub mod judge;
pub mod names;
