//! What comes of the answers of several callouts ("Filter arbitration" in the documentation of the platform).
//!
//! Within a sublayer the filters are asked by weight until one decides. Every sublayer is asked, the highest first; it is
//! given the action so far and the right to change it. Whoever decides may take that right away: the decision is hard then.
//! A soft one is overruled by the next. A hard block stands, and a hard permit may be vetoed: turned into a block.

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
    /// What was decided so far.
    action: Option<FWP_ACTION_TYPE>,
    hard: bool,
}

impl Arbiter {
    /// Nothing decided.
    #[must_use]
    pub const fn new() -> Self {
        Self { fate: Fate::Permitted, action: None, hard: false }
    }

    /// What the next callout is given.
    #[must_use]
    pub const fn ask(&self, filter: u64) -> FWPS_CLASSIFY_OUT0 {
        FWPS_CLASSIFY_OUT0 {
            actionType: match self.action {
                Some(action) => action,
                None => FWP_ACTION_CONTINUE,
            },
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
        let untouched = matches!(self.action, Some(action) if action == out.actionType);
        let block = match out.actionType {
            FWP_ACTION_BLOCK | FWP_ACTION_PERMIT if self.hard && untouched => return Ok(false),
            // Who may not write may still veto.
            FWP_ACTION_BLOCK => true,
            FWP_ACTION_PERMIT if self.hard => return Err(Rule::ActionWithoutRight),
            FWP_ACTION_PERMIT => false,
            FWP_ACTION_CONTINUE | FWP_ACTION_NONE | FWP_ACTION_NONE_NO_MATCH => {
                return if self.hard { Err(Rule::ActionWithoutRight) } else { Ok(false) };
            }
            _ => return Err(Rule::UnknownAction),
        };
        let absorb = out.flags & FWPS_CLASSIFY_OUT_FLAG_ABSORB != 0;
        self.fate = match (block, absorb) {
            (false, _) => Fate::Permitted,
            (true, false) => Fate::Blocked,
            (true, true) => Fate::Absorbed,
        };
        self.action = Some(out.actionType);
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
