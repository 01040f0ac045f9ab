//! Declarations of the Windows kernel interfaces that the driver uses, and that its test doubles provide: types,
//! constants, identifiers, types of callbacks. Their layout is asserted at compile time.
//!
//! Names are those of the Windows documentation, so that a reader can look them up. There are no functions here: who
//! calls them declares them, who stands for them defines them. Nothing here has been compared with the headers of the
//! WDK; `tests/` compares what can be compared with other sources.
#![no_std]
#![forbid(unsafe_code)]
// The documentation of these interfaces is Microsoft's.
#![allow(non_snake_case, non_camel_case_types, non_upper_case_globals, missing_docs)]

pub mod ndis;
pub mod wdm;
pub mod wfp;
