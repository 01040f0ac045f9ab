//! Which callouts are asked: the filters in the filtering engine. PASSIVE_LEVEL throughout.

use divert_driver_abi::wdm::NTSTATUS;
use divert_driver_abi::wfp::RPC_NT_SERVER_UNAVAILABLE;
use divert_driver_core::Callouts;
use divert_driver_core::platform::EngineError;

use super::callouts::{PROVIDER, SUBLAYER, SUBLAYER_WEIGHT, keys};
use crate::sys::engine::Session;

/// `EPT_NT_NOT_REGISTERED`: the engine's service does not run.
const NOT_REGISTERED: NTSTATUS = 0xC002_0036_u32.cast_signed();
/// The facilities of statuses that come from the way to the service and not from the service: it is gone, or was begun
/// anew, and the session with it.
const RPC: [u32; 2] = [2, 3];

/// The session with the engine, from the first handle that needs it on, and what is installed.
pub(crate) struct Engine {
    session: Option<Session>,
    installed: Callouts,
}

/// As the runtime is told.
fn error(status: NTSTATUS) -> EngineError {
    if status == RPC_NT_SERVER_UNAVAILABLE || status == NOT_REGISTERED {
        EngineError::Disabled
    } else {
        EngineError::Refused(status.cast_unsigned())
    }
}

fn is_lost(status: NTSTATUS) -> bool {
    RPC.contains(&(status.cast_unsigned() >> 16 & 0xFFF))
}

impl Engine {
    /// Nothing is installed.
    pub(crate) fn new() -> Self {
        Self { session: None, installed: Callouts::default() }
    }

    /// Makes exactly these callouts be asked.
    ///
    /// # Errors
    /// When the engine refuses; what was installed before is then still so, unless the engine itself has gone.
    pub(crate) fn install(&mut self, wanted: Callouts) -> Result<(), EngineError> {
        match self.change(wanted) {
            // The service was begun anew since: its filters are gone with the old session.
            Err(status) if self.session.is_some() && is_lost(status) => {
                self.close();
                self.change(wanted).map_err(error)
            }
            other => other.map_err(error),
        }
    }

    fn change(&mut self, wanted: Callouts) -> Result<(), NTSTATUS> {
        if wanted == self.installed {
            return Ok(());
        }
        let session = match &mut self.session {
            Some(session) => session,
            none => none.insert(open()?),
        };
        let mut transaction = session.begin()?;
        for (layer, ipv6) in wanted.without(self.installed).iter() {
            if let Some(keys) = keys(layer, ipv6) {
                transaction.add(keys, SUBLAYER, PROVIDER)?;
            }
        }
        for (layer, ipv6) in self.installed.without(wanted).iter() {
            if let Some(keys) = keys(layer, ipv6) {
                transaction.delete(keys)?;
            }
        }
        transaction.commit()?;
        self.installed = wanted;
        Ok(())
    }

    /// Ends the session; all filters go with it.
    pub(crate) fn close(&mut self) {
        self.session = None;
        self.installed = Callouts::default();
    }
}

/// A session with all that filters need.
fn open() -> Result<Session, NTSTATUS> {
    let mut session = Session::open()?;
    let mut transaction = session.begin()?;
    transaction.add_provider(PROVIDER)?;
    transaction.add_sublayer(SUBLAYER, PROVIDER, SUBLAYER_WEIGHT)?;
    transaction.commit()?;
    Ok(session)
}
