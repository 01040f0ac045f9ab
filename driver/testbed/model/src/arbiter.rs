//! What comes of the answers of several callouts ("Filter arbitration" in the documentation of the platform).
//!
//! Within a sublayer the filters are asked by weight until one decides. Every sublayer is asked, the highest first. A
//! decision after which nobody may write any more is hard. A block wins over a permit, unless the permit was hard.

use divert_driver_abi::wfp::{
    FWP_ACTION_BLOCK, FWP_ACTION_CONTINUE, FWP_ACTION_NONE, FWP_ACTION_NONE_NO_MATCH, FWP_ACTION_PERMIT,
    FWP_ACTION_TYPE, FWPS_CLASSIFY_OUT_FLAG_ABSORB, FWPS_CLASSIFY_OUT0, FWPS_RIGHT_ACTION_WRITE,
};

use crate::finding::Rule;

/// What happens to what was classified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Fate {
    /// It goes on.
    #[default]
    Permitted,
    /// It is dropped, and the sender may be told.
    Blocked,
    /// It is dropped silently: a callout has it now, or wants it gone.
    Absorbed,
}

/// The state of a classification.
#[derive(Debug, Default)]
pub struct Arbiter {
    fate: Fate,
    hard: bool,
}

impl Arbiter {
    /// Nothing decided.
    #[must_use]
    pub const fn new() -> Self {
        Self { fate: Fate::Permitted, hard: false }
    }

    /// What the next callout is given.
    #[must_use]
    pub const fn ask(&self, filter: u64) -> FWPS_CLASSIFY_OUT0 {
        FWPS_CLASSIFY_OUT0 {
            actionType: FWP_ACTION_CONTINUE,
            outContext: 0,
            filterId: filter,
            rights: if self.hard { 0 } else { FWPS_RIGHT_ACTION_WRITE },
            flags: 0,
            reserved: 0,
        }
    }

    /// Takes what it answered; whether its sublayer has decided.
    ///
    /// # Errors
    /// The rule that was broken; the answer counts for nothing then.
    pub const fn answer(&mut self, out: &FWPS_CLASSIFY_OUT0) -> Result<bool, Rule> {
        // Who may not write may still veto: turn a permit into a block.
        let block = match out.actionType {
            FWP_ACTION_BLOCK => true,
            FWP_ACTION_PERMIT if self.hard => return Err(Rule::ActionWithoutRight),
            FWP_ACTION_PERMIT => false,
            FWP_ACTION_CONTINUE | FWP_ACTION_NONE | FWP_ACTION_NONE_NO_MATCH => return Ok(false),
            _ => return Err(Rule::UnknownAction),
        };
        let absorb = out.flags & FWPS_CLASSIFY_OUT_FLAG_ABSORB != 0;
        if block {
            self.fate = if absorb { Fate::Absorbed } else { Fate::Blocked };
        }
        self.hard = self.hard || out.rights & FWPS_RIGHT_ACTION_WRITE == 0;
        Ok(true)
    }

    /// The fate.
    #[must_use]
    pub const fn fate(&self) -> Fate {
        self.fate
    }
}

/// Whether a filter's action can be taken at all.
#[must_use]
pub const fn is_known(action: FWP_ACTION_TYPE) -> bool {
    use divert_driver_abi::wfp::{
        FWP_ACTION_CALLOUT_INSPECTION, FWP_ACTION_CALLOUT_TERMINATING, FWP_ACTION_CALLOUT_UNKNOWN,
    };
    matches!(
        action,
        FWP_ACTION_BLOCK
            | FWP_ACTION_PERMIT
            | FWP_ACTION_CALLOUT_TERMINATING
            | FWP_ACTION_CALLOUT_INSPECTION
            | FWP_ACTION_CALLOUT_UNKNOWN
    )
}
