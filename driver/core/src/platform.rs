//! The seam: all that the runtime asks of its surroundings, in small traits.
//!
//! A kernel shell implements these over spin locks, performance counter, pool and filtering platform; [`crate::host`]
//! over `std`. None of them may call back into the driver from within `Lock::with` or `Shared`; the stack may call
//! [`crate::Driver::packet`] from within [`Stack::inject`].

use divert_vm::wire::DecodeError;
use divert_vm::{Verified, VerifyError};

use crate::inject::Injection;
use crate::needs::Callouts;
use crate::receive::{Completion, Window};

/// Time.
pub trait Clock {
    /// Ticks of a counter that never goes back.
    fn ticks(&self) -> i64;

    /// Ticks in a second; never changes.
    fn frequency(&self) -> u64;
}

/// A value that one thread at a time may touch. What runs inside is the whole critical section: there is no guard that
/// could be forgotten or outlive its place.
pub trait Lock<T> {
    /// A free lock around `value`.
    fn new(value: T) -> Self;

    /// Runs `work` with the value, alone.
    fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R;

    /// The value, when nobody else can have the lock any more.
    fn into_inner(self) -> T;
}

/// A value that many may read, or one may write.
pub trait Shared<T> {
    /// A free lock around `value`.
    fn new(value: T) -> Self;

    /// Runs `work` while nobody writes.
    fn read<R>(&self, work: impl FnOnce(&T) -> R) -> R;

    /// Runs `work` alone.
    fn write<R>(&self, work: impl FnOnce(&mut T) -> R) -> R;
}

/// The budget of all handles together. [`crate::memory::Pool`] is one.
pub trait Memory {
    /// Takes from the budget; false, with nothing taken, when it does not suffice.
    fn take(&self, bytes: usize) -> bool;

    /// Gives back what was taken.
    fn give(&self, bytes: usize);
}

/// A verified program together with the bytes it is a view of. Only the verifier makes a [`Verified`], so that an
/// implementation can lend nothing else.
pub trait Program {
    /// The program.
    fn verified(&self) -> &Verified<'_>;
}

/// Why a program was not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepError {
    /// The bytes are not a program.
    Decode(DecodeError),
    /// It was refused.
    Verify(VerifyError),
    /// There was no memory.
    NoMemory,
}

/// Keeps programs: copies the bytes (user mode cannot be trusted to leave them alone), decodes and verifies the copy.
pub trait Programs {
    /// A program and its bytes.
    type Program: Program;

    /// Copies, decodes and verifies.
    ///
    /// # Errors
    /// When the bytes are not a program, the verifier refuses it, or there is no memory.
    fn keep(&self, bytes: &[u8], work_limit: u32) -> Result<Self::Program, KeepError>;
}

/// A receive that user mode asked for and waits for. Whoever owns it completes it, once.
pub trait Receive {
    /// What [`crate::Driver::cancel`] finds it by; the same for no two that wait at once.
    fn key(&self) -> u64;

    /// Where to put what is received.
    fn window(&mut self) -> Window<'_>;
}

/// The network stack, or what stands for it.
pub trait Stack {
    /// A receive.
    type Receive: Receive;

    /// Puts a packet into the stack. The stack owns it from then on and gives the ticket to
    /// [`crate::Driver::injected`] when it is done with it, exactly once. When the packet comes by again, it comes with
    /// [`crate::Origin::Injected`] and its mark.
    ///
    /// # Errors
    /// The packet, when it is not accepted.
    fn inject(&self, injection: Injection) -> Result<(), Injection>;

    /// Completes a receive that had to wait. Called without any spin lock held.
    fn complete(&self, receive: Self::Receive, completion: Completion);

    /// Makes exactly these callouts be installed. Called with one opener or closer at a time.
    ///
    /// # Errors
    /// When the filtering engine refuses; what was installed before is then still so.
    fn install(&self, callouts: Callouts) -> Result<(), EngineError>;
}

/// The filtering engine did not do what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EngineError {
    /// It is disabled (code 1753).
    Disabled,
    /// It refused, with its own status.
    Refused(u32),
}

/// All of the above.
pub trait Platform: Clock + Memory + Programs + Stack + Sized {
    /// A short lock that may be taken where packets are classified.
    type Lock<T>: Lock<T>;
    /// A short lock with many readers that may be taken where packets are classified.
    type Shared<T>: Shared<T>;
    /// A lock for opening and closing, which may wait.
    type Mutex<T>: Lock<T>;
}
