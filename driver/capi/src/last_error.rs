//! The last error of the calling thread: the system's on Windows, a variable of our own elsewhere.

/// Sets it.
#[cfg(windows)]
pub fn set(code: u32) {
    // SAFETY: a plain number of the calling thread; there is nothing to keep valid.
    unsafe { windows_sys::Win32::Foundation::SetLastError(code) }
}

/// Reads it.
#[cfg(windows)]
#[must_use]
pub fn get() -> u32 {
    // SAFETY: as for setting.
    unsafe { windows_sys::Win32::Foundation::GetLastError() }
}

#[cfg(not(windows))]
thread_local! {
    static LAST: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

/// Sets it.
#[cfg(not(windows))]
pub fn set(code: u32) {
    LAST.set(code);
}

/// Reads it.
#[cfg(not(windows))]
#[must_use]
pub fn get() -> u32 {
    LAST.get()
}
