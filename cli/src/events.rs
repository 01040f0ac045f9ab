//! Events as lines of JSON: what a filter judges where there is no capture, at every layer.
//!
//! A line is an object `{"packet": hex or null, "addr": {…}}`; further keys beside these two are ignored, so that lines
//! which say more (the filter, the expected verdict) can be used as they are. Within `addr` every key must be known, since
//! a misspelt one would silently be its default. What may be left out: `event` where the layer has only one, flags (then
//! false), numbers (then 0), and `ipv6` (then the packet or the address tells).
//!
//! A packet that does not parse, or whose IP version is not the one that `ipv6` says, is no IP packet for the filter: it
//! matches nothing, and that is no error. Nor does a `null` packet match at a layer of packets, or a packet at another.

mod form;
mod lines;

pub(crate) use form::BadEvent;
pub(crate) use lines::EventReader;

use divert_fuzz::Case;
use divert_vm::input::{Address, Endpoint, Input, Reflected};
use divert_vm::layer::{Event, Layer};
use divert_vm::packet::{Packet, Version};

/// One event, without its packet's bytes.
#[derive(Clone, Debug)]
pub(crate) struct Described {
    layer: Layer,
    event: Event,
    address: Address,
    ipv6: Option<bool>,
    data: Data,
}

/// What an event is about.
#[derive(Clone, Debug)]
enum Data {
    /// A packet; its bytes are kept by the reader.
    Packet,
    /// An endpoint.
    Endpoint(Endpoint),
    /// A handle.
    Reflected(Reflected),
    /// Something that no filter matches: no packet at a layer of packets, or one at another.
    Nothing,
}

impl Described {
    /// Where it happened.
    pub(crate) const fn layer(&self) -> Layer {
        self.layer
    }

    /// What happened.
    pub(crate) const fn event(&self) -> Event {
        self.event
    }

    /// What is known beside the content.
    pub(crate) const fn address(&self) -> &Address {
        &self.address
    }

    /// What it is about, if that is an endpoint.
    pub(crate) const fn endpoint(&self) -> Option<&Endpoint> {
        match &self.data {
            Data::Endpoint(endpoint) => Some(endpoint),
            Data::Packet | Data::Reflected(_) | Data::Nothing => None,
        }
    }

    /// What it is about, if that is a handle.
    pub(crate) const fn reflected(&self) -> Option<&Reflected> {
        match &self.data {
            Data::Reflected(reflected) => Some(reflected),
            Data::Packet | Data::Endpoint(_) | Data::Nothing => None,
        }
    }

    /// The event with its packet, as what owns all of it; `None` where there is nothing to be judged.
    pub(crate) fn case(&self, packet: &[u8]) -> Option<Case> {
        self.judge(packet, |_| ())?;
        match &self.data {
            Data::Packet => Some(Case::Packet(self.layer, packet.to_vec(), self.address)),
            Data::Endpoint(endpoint) => Some(Case::Endpoint(self.layer, self.event, *endpoint, self.address)),
            Data::Reflected(handle) => Some(Case::Reflected(self.event, *handle, self.address)),
            Data::Nothing => None,
        }
    }

    /// Gives the input to `judge`; `None` where there is nothing to be judged.
    pub(crate) fn judge<T>(&self, packet: &[u8], judge: impl FnOnce(&Input<'_>) -> T) -> Option<T> {
        let address = &self.address;
        match &self.data {
            Data::Packet => {
                let packet = Packet::parse(packet).ok()?;
                let is_ipv6 = packet.version() == Version::V6;
                if self.ipv6.is_some_and(|said| said != is_ipv6) {
                    return None;
                }
                let at = if self.layer == Layer::Forward { Input::forward } else { Input::network };
                Some(judge(&at(&packet, address)))
            }
            Data::Endpoint(endpoint) => {
                let at = if self.layer == Layer::Flow { Input::flow } else { Input::socket };
                at(self.event, endpoint, address).ok().map(|input| judge(&input))
            }
            Data::Reflected(reflected) => {
                Input::reflect(self.event, reflected, address).ok().map(|input| judge(&input))
            }
            Data::Nothing => None,
        }
    }
}
