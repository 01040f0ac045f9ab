//! The filtering engine: sessions and transactions. PASSIVE_LEVEL throughout.

use core::ffi::c_void;
use core::ptr::{NonNull, null, null_mut};

use divert_driver_abi::wdm::{GUID, NT_SUCCESS, NTSTATUS};
use divert_driver_abi::wfp::{
    FWP_ACTION_CALLOUT_UNKNOWN, FWP_BYTE_BLOB, FWP_EMPTY, FWP_VALUE0, FWP_VALUE0_0, FWPM_ACTION0,
    FWPM_CALLOUT0, FWPM_DISPLAY_DATA0, FWPM_FILTER0, FWPM_FILTER0_0, FWPM_PROVIDER0,
    FWPM_SESSION_FLAG_DYNAMIC, FWPM_SESSION0, FWPM_SUBLAYER0, RPC_C_AUTHN_WINNT,
};

use super::ffi;
use super::text::text;

const NO_GUID: GUID = GUID::from_u128(0);
const NO_DATA: FWP_BYTE_BLOB = FWP_BYTE_BLOB { size: 0, data: null_mut() };
/// The engine chooses.
const NO_WEIGHT: FWP_VALUE0 = FWP_VALUE0 { r#type: FWP_EMPTY, u: FWP_VALUE0_0 { uint64: null_mut() } };

fn display() -> FWPM_DISPLAY_DATA0 {
    FWPM_DISPLAY_DATA0 {
        name: text!("Divert").as_ptr(),
        description: text!("Packet diversion for user-mode programs").as_ptr(),
    }
}

fn done(status: NTSTATUS) -> Result<(), NTSTATUS> {
    if NT_SUCCESS(status) { Ok(()) } else { Err(status) }
}

/// What a filter and its callout are known by.
#[derive(Clone, Copy)]
pub(crate) struct Keys {
    pub(crate) callout: GUID,
    pub(crate) filter: GUID,
    pub(crate) layer: GUID,
}

/// A session. What is added in it goes with it, so that nothing stays behind whatever happens to the driver. Closed
/// when it is dropped.
pub(crate) struct Session(NonNull<c_void>);

// SAFETY: the engine does not care which thread uses a session; one at a time does (it is behind a lock).
unsafe impl Send for Session {}

impl Session {
    /// Opens one.
    ///
    /// # Errors
    /// The status of the engine.
    pub(crate) fn open() -> Result<Self, NTSTATUS> {
        let session = FWPM_SESSION0 {
            sessionKey: NO_GUID,
            displayData: display(),
            flags: FWPM_SESSION_FLAG_DYNAMIC,
            txnWaitTimeoutInMSec: 0,
            processId: 0,
            sid: null_mut(),
            username: null_mut(),
            kernelMode: 0,
        };
        let mut engine = null_mut();
        // SAFETY: this machine's engine, the caller's identity; the session and the place for the handle are there.
        let status = unsafe {
            ffi::FwpmEngineOpen0(null(), RPC_C_AUTHN_WINNT, null_mut(), &raw const session, &raw mut engine)
        };
        done(status)?;
        NonNull::new(engine).map(Self).ok_or(status)
    }

    /// Begins to change things.
    ///
    /// # Errors
    /// The status of the engine.
    pub(crate) fn begin(&mut self) -> Result<Transaction<'_>, NTSTATUS> {
        // SAFETY: the session is open.
        done(unsafe { ffi::FwpmTransactionBegin0(self.0.as_ptr(), 0) })?;
        Ok(Transaction { session: self, committed: false })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // SAFETY: the session is open, and nobody uses it after this.
        unsafe { ffi::FwpmEngineClose0(self.0.as_ptr()) };
    }
}

/// Changes that happen together or not at all: those of a transaction that is dropped do not.
pub(crate) struct Transaction<'s> {
    session: &'s mut Session,
    committed: bool,
}

impl Transaction<'_> {
    const fn engine(&self) -> *mut c_void {
        self.session.0.as_ptr()
    }

    /// Adds who all the rest belongs to.
    ///
    /// # Errors
    /// The status of the engine.
    pub(crate) fn add_provider(&mut self, key: GUID) -> Result<(), NTSTATUS> {
        let provider = FWPM_PROVIDER0 {
            providerKey: key,
            displayData: display(),
            flags: 0,
            providerData: NO_DATA,
            serviceName: null_mut(),
        };
        // SAFETY: the session is open; the structure is whole and copied.
        done(unsafe { ffi::FwpmProviderAdd0(self.engine(), &raw const provider, null_mut()) })
    }

    /// Adds the sublayer that all filters are in.
    ///
    /// # Errors
    /// The status of the engine.
    pub(crate) fn add_sublayer(
        &mut self,
        key: GUID,
        mut provider: GUID,
        weight: u16,
    ) -> Result<(), NTSTATUS> {
        let sublayer = FWPM_SUBLAYER0 {
            subLayerKey: key,
            displayData: display(),
            flags: 0,
            providerKey: &raw mut provider,
            providerData: NO_DATA,
            weight,
        };
        // SAFETY: the session is open; the structure is whole and copied.
        done(unsafe { ffi::FwpmSubLayerAdd0(self.engine(), &raw const sublayer, null_mut()) })
    }

    /// Adds a callout and a filter that asks it about everything at its layer.
    ///
    /// # Errors
    /// The status of the engine.
    pub(crate) fn add(&mut self, keys: Keys, sublayer: GUID, mut provider: GUID) -> Result<(), NTSTATUS> {
        let callout = FWPM_CALLOUT0 {
            calloutKey: keys.callout,
            displayData: display(),
            flags: 0,
            providerKey: &raw mut provider,
            providerData: NO_DATA,
            applicableLayer: keys.layer,
            calloutId: 0,
        };
        // SAFETY: the session is open; the structure is whole and copied; its number is not wanted.
        done(unsafe { ffi::FwpmCalloutAdd0(self.engine(), &raw const callout, null_mut(), null_mut()) })?;
        let filter = FWPM_FILTER0 {
            filterKey: keys.filter,
            displayData: display(),
            flags: 0,
            providerKey: &raw mut provider,
            providerData: NO_DATA,
            layerKey: keys.layer,
            subLayerKey: sublayer,
            weight: NO_WEIGHT,
            numFilterConditions: 0,
            filterCondition: null_mut(),
            action: FWPM_ACTION0 { r#type: FWP_ACTION_CALLOUT_UNKNOWN, calloutKey: keys.callout },
            u: FWPM_FILTER0_0 { rawContext: 0 },
            reserved: null_mut(),
            filterId: 0,
            effectiveWeight: NO_WEIGHT,
        };
        // SAFETY: as above.
        done(unsafe { ffi::FwpmFilterAdd0(self.engine(), &raw const filter, null_mut(), null_mut()) })
    }

    /// Deletes a callout and its filter.
    ///
    /// # Errors
    /// The status of the engine.
    pub(crate) fn delete(&mut self, keys: Keys) -> Result<(), NTSTATUS> {
        // SAFETY: the session is open.
        done(unsafe { ffi::FwpmFilterDeleteByKey0(self.engine(), &raw const keys.filter) })?;
        // SAFETY: as above.
        done(unsafe { ffi::FwpmCalloutDeleteByKey0(self.engine(), &raw const keys.callout) })
    }

    /// Makes the changes happen.
    ///
    /// # Errors
    /// The status of the engine; nothing has changed then.
    pub(crate) fn commit(mut self) -> Result<(), NTSTATUS> {
        // SAFETY: the session is open, and its transaction was begun.
        done(unsafe { ffi::FwpmTransactionCommit0(self.engine()) })?;
        self.committed = true;
        Ok(())
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if !self.committed {
            // SAFETY: the session is open, and its transaction was begun and is not committed.
            unsafe { ffi::FwpmTransactionAbort0(self.engine()) };
        }
    }
}
