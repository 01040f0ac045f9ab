//! A receive that was asked for and may still wait.

use std::time::Duration;

use crate::buffer::Buffer;
use crate::device::Operation;
use crate::error::Error;

/// A receive on its way. It has the buffer for as long; dropping it cancels it.
pub struct Pending {
    pub(crate) operation: Box<dyn Operation>,
    /// The buffer without its bytes, which the operation has.
    pub(crate) shell: Buffer,
}

impl std::fmt::Debug for Pending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pending").finish_non_exhaustive()
    }
}

impl Pending {
    /// Whether it has ended.
    pub fn is_ready(&mut self) -> bool {
        self.operation.wait(Some(Duration::ZERO))
    }

    /// Waits for its end, for `timeout` at most; true when it has ended.
    pub fn wait(&mut self, timeout: Duration) -> bool {
        self.operation.wait(Some(timeout))
    }

    /// Asks for it to end with code 995. When a packet came meanwhile, it ends with the packet.
    pub fn cancel(&mut self) {
        self.operation.cancel();
    }

    /// Waits for its end; gives the buffer back, with what was received when all went well.
    pub fn finish(self) -> (Buffer, Result<(), Error>) {
        let Self { operation, shell: mut buffer } = self;
        let (bytes, ended) = operation.finish();
        buffer.bytes = bytes;
        let ended = match ended {
            Ok(_) => buffer.fill().map_err(Error::Answer),
            Err(failure) => Err(Error::Failed(failure)),
        };
        (buffer, ended)
    }
}
