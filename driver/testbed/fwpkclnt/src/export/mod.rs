//! The functions that the client imports.
//!
//! Each is an entry of two instructions before the function proper: it notes where it was called from, by which the
//! client's image is found (`watch`), and goes on to the function with arguments and stack as they were.

pub(crate) mod callout;
pub(crate) mod engine;
pub(crate) mod inject;
pub(crate) mod ndis;

use core::sync::atomic::AtomicUsize;

/// Where the client called from the last time.
pub(crate) static CALLER: AtomicUsize = AtomicUsize::new(0);

/// Exports functions under their names.
macro_rules! export {
    ($($(#[$note:meta])* fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block)*) => {
        $(
            $(#[$note])*
            #[unsafe(no_mangle)]
            #[unsafe(naked)]
            pub(crate) unsafe extern "system" fn $name($(_: $type),*) $(-> $result)? {
                unsafe extern "system" fn proper($($argument: $type),*) $(-> $result)? {
                    crate::watch::begin();
                    $body
                }
                core::arch::naked_asm!(
                    "mov rax, [rsp]",
                    "mov [rip + {caller}], rax",
                    "jmp {proper}",
                    caller = sym crate::export::CALLER,
                    proper = sym proper,
                )
            }
        )*
    };
}

pub(crate) use export;

/// The status of an answer.
pub(crate) fn status(answer: Result<(), divert_driver_abi::wdm::NTSTATUS>) -> divert_driver_abi::wdm::NTSTATUS {
    answer.err().unwrap_or(0)
}
