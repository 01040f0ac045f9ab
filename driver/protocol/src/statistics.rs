//! What a handle has done, as numbers.

/// A counter. The numbers are those of the protocol: new ones are added at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Counter {
    /// Packets and events that the filter matched while the handle took part.
    Matched = 0,
    /// Of these: went on, the handle has a copy.
    Sniffed,
    /// Of these: taken out of the stack's way.
    Blocked,
    /// Bytes of all that matched.
    MatchedBytes,
    /// Put into the queue.
    Queued,
    /// Handed to a receive that waited, without queueing.
    HandedOver,
    /// Received, by either way.
    Received,
    /// Bytes received.
    ReceivedBytes,
    /// Received in part, for want of buffer.
    Truncated,
    /// Dropped: the handle's `DROP` flag.
    DroppedByFlag,
    /// Dropped: the oldest of a queue with too many packets.
    DroppedLength,
    /// Dropped: the oldest of a queue with too many bytes.
    DroppedSize,
    /// Dropped: waited too long.
    DroppedTime,
    /// Dropped: larger than the whole queue may be.
    DroppedTooLarge,
    /// Dropped: no memory for it.
    DroppedMemory,
    /// Dropped: copies that were in the queue when the handle closed.
    DroppedAtClose,
    /// Went back into the stack when the handle closed.
    Reinjected,
    /// Sent and accepted by the stack.
    Injected,
    /// Bytes sent.
    InjectedBytes,
    /// Sent, and refused before it reached the stack.
    SendRefused,
    /// Sent or re-injected, and not accepted by the stack.
    InjectFailed,
    /// Impostors that were sent once too often (code 1232).
    LoopsBroken,
    /// Receives that were cancelled.
    Cancelled,
    /// Packets in the queue now.
    QueueLength,
    /// Bytes in the queue now.
    QueueBytes,
    /// Most packets that were ever in the queue.
    QueueLengthPeak,
    /// Most bytes that were ever in the queue.
    QueueBytesPeak,
}

impl Counter {
    /// How many there are.
    pub const COUNT: usize = 27;

    /// All counters, by number.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Matched,
        Self::Sniffed,
        Self::Blocked,
        Self::MatchedBytes,
        Self::Queued,
        Self::HandedOver,
        Self::Received,
        Self::ReceivedBytes,
        Self::Truncated,
        Self::DroppedByFlag,
        Self::DroppedLength,
        Self::DroppedSize,
        Self::DroppedTime,
        Self::DroppedTooLarge,
        Self::DroppedMemory,
        Self::DroppedAtClose,
        Self::Reinjected,
        Self::Injected,
        Self::InjectedBytes,
        Self::SendRefused,
        Self::InjectFailed,
        Self::LoopsBroken,
        Self::Cancelled,
        Self::QueueLength,
        Self::QueueBytes,
        Self::QueueLengthPeak,
        Self::QueueBytesPeak,
    ];

    /// Its name for people and for JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Matched => "matched",
            Self::Sniffed => "sniffed",
            Self::Blocked => "blocked",
            Self::MatchedBytes => "matched bytes",
            Self::Queued => "queued",
            Self::HandedOver => "handed over",
            Self::Received => "received",
            Self::ReceivedBytes => "received bytes",
            Self::Truncated => "truncated",
            Self::DroppedByFlag => "dropped by flag",
            Self::DroppedLength => "dropped, queue length",
            Self::DroppedSize => "dropped, queue size",
            Self::DroppedTime => "dropped, queue time",
            Self::DroppedTooLarge => "dropped, too large",
            Self::DroppedMemory => "dropped, no memory",
            Self::DroppedAtClose => "dropped at close",
            Self::Reinjected => "reinjected at close",
            Self::Injected => "injected",
            Self::InjectedBytes => "injected bytes",
            Self::SendRefused => "sends refused",
            Self::InjectFailed => "injections failed",
            Self::LoopsBroken => "loops broken",
            Self::Cancelled => "receives cancelled",
            Self::QueueLength => "queue length",
            Self::QueueBytes => "queue bytes",
            Self::QueueLengthPeak => "queue length peak",
            Self::QueueBytesPeak => "queue bytes peak",
        }
    }

    /// Whether it says how things stand, and not how often something happened.
    #[must_use]
    pub const fn is_level(self) -> bool {
        matches!(self, Self::QueueLength | Self::QueueBytes | Self::QueueLengthPeak | Self::QueueBytesPeak)
    }
}

/// The counters of one handle, or of all that are closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statistics(pub(crate) [u64; Counter::COUNT]);

impl Default for Statistics {
    fn default() -> Self {
        Self([0; Counter::COUNT])
    }
}

impl Statistics {
    /// The value of a counter.
    #[must_use]
    pub fn get(&self, counter: Counter) -> u64 {
        self.0.get(counter as usize).copied().unwrap_or(0)
    }

    /// Adds to a counter; it stays at its greatest value rather than begin anew.
    pub fn add(&mut self, counter: Counter, amount: u64) {
        if let Some(value) = self.0.get_mut(counter as usize) {
            *value = value.saturating_add(amount);
        }
    }

    /// Adds one to a counter.
    pub fn count(&mut self, counter: Counter) {
        self.add(counter, 1);
    }

    /// Sets a counter.
    pub fn set(&mut self, counter: Counter, amount: u64) {
        if let Some(value) = self.0.get_mut(counter as usize) {
            *value = amount;
        }
    }

    /// Adds all that happened to another handle; levels are left out.
    pub fn merge(&mut self, other: &Self) {
        for counter in Counter::ALL.into_iter().filter(|counter| !counter.is_level()) {
            self.add(counter, other.get(counter));
        }
    }

    /// All that was dropped, whatever the reason.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        [
            Counter::DroppedByFlag,
            Counter::DroppedLength,
            Counter::DroppedSize,
            Counter::DroppedTime,
            Counter::DroppedTooLarge,
            Counter::DroppedMemory,
            Counter::DroppedAtClose,
        ]
        .into_iter()
        .fold(0, |sum: u64, counter| sum.saturating_add(self.get(counter)))
    }
}
