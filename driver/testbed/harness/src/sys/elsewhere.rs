//! Elsewhere there are no such things: every attempt says so.

use super::Code;

/// `ERROR_NOT_SUPPORTED`.
const NOT_SUPPORTED: Code = 50;

/// A device that cannot be opened.
pub(crate) enum Device {}

/// A request that cannot be made.
pub(crate) enum Pending {}

/// A service that cannot be installed.
pub(crate) enum Service {}

impl Device {
    pub(crate) fn open(_: &str) -> Result<Self, Code> {
        Err(NOT_SUPPORTED)
    }

    pub(crate) fn given(_: usize) -> Result<Self, Code> {
        Err(NOT_SUPPORTED)
    }

    pub(crate) fn give(&self, _: &std::process::Child) -> Result<usize, Code> {
        match *self {}
    }

    pub(crate) fn control(&self, _: u32, _: &[u8], _: &mut [u8]) -> Result<usize, Code> {
        match *self {}
    }

    pub(crate) fn start(&self, _: u32, _: &[u8], _: usize) -> Result<Pending, Code> {
        match *self {}
    }

    pub(crate) fn close(&self) {
        match *self {}
    }
}

impl Pending {
    pub(crate) fn outcome(&self, _: u32) -> Result<usize, Code> {
        match *self {}
    }

    pub(crate) fn wait(&self, _: u32) -> Result<Vec<u8>, Code> {
        match *self {}
    }

    pub(crate) fn is_done(&self) -> bool {
        match *self {}
    }

    pub(crate) fn cancel(&self) {
        match *self {}
    }
}

impl Service {
    pub(crate) fn install(_: &str, _: &str) -> Result<Self, Code> {
        Err(NOT_SUPPORTED)
    }

    pub(crate) fn start(&self) -> Result<(), Code> {
        match *self {}
    }

    pub(crate) fn stop(&self) -> Result<(), Code> {
        match *self {}
    }
}

// They end something there, and must here too for the same code to make sense.
impl Drop for Device {
    fn drop(&mut self) {}
}

impl Drop for Pending {
    fn drop(&mut self) {}
}
